//! Tables in a terminal: aligned where they fit, else row by row.

use super::styled::{Style, Styled};

/// The space between columns.
const GAP: &str = "  ";
/// No cell is wrapped to a column narrower than this.
const MIN_WRAPPED: usize = 16;

/// Returns the lines of a table, whose first row is its head.
pub(super) fn lines(rows: &[Vec<Styled>], width: usize) -> Vec<Styled> {
    let Some((head, body)) = rows.split_first() else {
        return Vec::new();
    };
    match widths(rows, width) {
        Some(widths) => aligned(head, body, &widths),
        None => row_by_row(head, body, width),
    }
}

/// Returns the widths of the columns, of which the widest are wrapped. `None`: the table does not fit.
fn widths(rows: &[Vec<Styled>], width: usize) -> Option<Vec<usize>> {
    let columns = rows.first()?.len();
    let of_column = |measure: fn(&Styled) -> usize, column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(measure).max().unwrap_or_default()
    };
    let natural = |column| of_column(Styled::width, column);
    let smallest = |column| of_column(Styled::longest_word, column);
    let room = width.checked_sub(GAP.len() * columns.saturating_sub(1))?;
    let mut limits = (MIN_WRAPPED..=width.max(MIN_WRAPPED)).rev();
    limits.find_map(|limit| {
        let widths = (0..columns).map(|column| natural(column).min(limit).max(smallest(column)));
        let widths: Vec<_> = widths.collect();
        (widths.iter().sum::<usize>() <= room).then_some(widths)
    })
}

fn aligned(head: &[Styled], body: &[Vec<Styled>], widths: &[usize]) -> Vec<Styled> {
    let mut lines = row_lines(head, widths);
    let rules = widths.iter().map(|width| "-".repeat(*width));
    let mut rule = Styled::default();
    rule.push(&rules.collect::<Vec<_>>().join(GAP), Style::default());
    lines.push(rule);
    lines.extend(body.iter().flat_map(|row| row_lines(row, widths)));
    lines
}

/// The lines of one row: as many as its highest cell has.
fn row_lines(row: &[Styled], widths: &[usize]) -> Vec<Styled> {
    let cells: Vec<_> = row
        .iter()
        .zip(widths)
        .map(|(cell, width)| cell.wrap(*width))
        .collect();
    let height = cells.iter().map(Vec::len).max().unwrap_or_default();
    let line = |index: usize| {
        let mut line = Styled::default();
        let mut end = 0;
        for (cell, width) in cells.iter().zip(widths) {
            // No spaces at the end of a line.
            if let Some(part) = cell.get(index).filter(|part| !part.is_empty()) {
                line.pad(end);
                line.append(part);
            }
            end += width + GAP.len();
        }
        line
    };
    (0..height).map(line).collect()
}

fn row_by_row(head: &[Styled], body: &[Vec<Styled>], width: usize) -> Vec<Styled> {
    const INDENT: &str = "    ";
    let mut lines = Vec::new();
    for row in body {
        if !lines.is_empty() {
            lines.push(Styled::default());
        }
        for (name, cell) in head.iter().zip(row).filter(|(_, cell)| !cell.is_empty()) {
            let mut entry = name.clone();
            entry.push(": ", Style::default());
            entry.append(cell);
            let wrapped = entry.wrap(width.saturating_sub(INDENT.len()));
            for (index, part) in wrapped.into_iter().enumerate() {
                let mut line = Styled::default();
                if index > 0 {
                    line.push(INDENT, Style::default());
                }
                line.append(&part);
                lines.push(line);
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(rows: &[&[&str]], width: usize, expected: &[&str]) {
        let cell = |text: &&str| {
            let mut cell = Styled::default();
            cell.push(text, Style::default());
            cell
        };
        let rows: Vec<Vec<_>> = rows
            .iter()
            .map(|row| row.iter().map(cell).collect())
            .collect();
        let lines: Vec<_> = lines(&rows, width)
            .iter()
            .map(Styled::to_terminal)
            .collect();
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_table_that_fits_is_aligned() {
        check(
            &[&["name", "x"], &["a", "long"], &["longer", ""]],
            12,
            &["name    x", "------  ----", "a       long", "longer"],
        );
    }

    #[test]
    fn the_widest_columns_are_wrapped() {
        check(
            &[
                &["a", "b", "c"],
                &["one two three four five", "six seven eight nine ten", "x"],
            ],
            37,
            &[
                "a                 b                 c",
                "----------------  ----------------  -",
                "one two three     six seven eight   x",
                "four five         nine ten",
            ],
        );
        check(
            &[
                &["k", "what it does"],
                &["a", "one two three four five six seven eight"],
            ],
            30,
            &[
                "k  what it does",
                "-  ---------------------------",
                "a  one two three four five six",
                "   seven eight",
            ],
        );
    }

    #[test]
    fn a_table_that_does_not_fit_is_shown_row_by_row() {
        check(
            &[
                &["k", "what it does"],
                &["a", "one two three four five"],
                &["b", ""],
            ],
            18,
            &[
                "k: a",
                "what it does:",
                "    one two three",
                "    four five",
                "",
                "k: b",
            ],
        );
    }
}
