//! Tables for people: in the width of the terminal, with colours where standard output is one.

use std::io::IsTerminal;

use anstyle::{AnsiColor, Style};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The space between columns.
const GAP: &str = "  ";
/// The last letter of a text that was cut.
const CUT: char = '…';
/// The fewest columns that a cell is cut to.
const MIN_CUT: usize = 8;

/// The colour of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Colour {
    Good,
    Bad,
    Busy,
    Quiet,
}

/// A cell of a table.
#[derive(Debug, Clone, Default)]
pub(in crate::cli) struct Cell {
    text: String,
    colour: Option<Colour>,
    is_number: bool,
}

impl Cell {
    /// A cell of any text, of which one line is shown, without control characters.
    pub(in crate::cli) fn new(text: &str) -> Self {
        Self {
            text: one_line(text),
            ..Self::default()
        }
    }

    pub(in crate::cli) fn number(text: String) -> Self {
        Self {
            text,
            is_number: true,
            colour: None,
        }
    }

    pub(in crate::cli) fn coloured(self, colour: Option<Colour>) -> Self {
        Self { colour, ..self }
    }

    fn width(&self) -> usize {
        self.text.width()
    }
}

/// Returns the first line of a text that is not empty, without control characters: what a job has must not control a terminal.
pub(in crate::cli) fn one_line(text: &str) -> String {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty());
    let visible = line.unwrap_or_default().chars().map(|letter| match letter {
        '\t' => ' ',
        letter if letter.is_control() || is_direction(letter) => '\u{FFFD}',
        letter => letter,
    });
    visible.collect()
}

/// Whether a letter changes the direction of those after it, so that a text would show something else than it says.
fn is_direction(letter: char) -> bool {
    matches!(letter, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Rows below a head.
#[derive(Debug)]
pub(in crate::cli) struct Table {
    head: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
    /// The columns that are cut, the widest first, where the rows are wider than the terminal.
    flexible: &'static [usize],
}

impl Table {
    pub(in crate::cli) fn new(head: Vec<&'static str>, flexible: &'static [usize]) -> Self {
        Self {
            head,
            rows: Vec::new(),
            flexible,
        }
    }

    pub(in crate::cli) fn push(&mut self, row: Vec<Cell>) {
        self.rows.push(row);
    }

    /// Returns the lines as standard output can show them.
    pub(in crate::cli) fn lines(&self) -> Vec<String> {
        let is_terminal = std::io::stdout().is_terminal();
        let is_refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let width = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
        let width = width.filter(|_| is_terminal);
        self.lines_for(width, is_terminal && !is_refused)
    }

    /// Returns the lines for a width in columns; where it is unknown, nothing is cut.
    fn lines_for(&self, width: Option<usize>, has_colours: bool) -> Vec<String> {
        let head: Vec<_> = self.head.iter().map(|name| Cell::new(name)).collect();
        let all = || std::iter::once(&head).chain(&self.rows);
        let mut widths: Vec<_> = (0..head.len())
            .map(|column| {
                let cells = all().filter_map(|row| row.get(column));
                cells.map(Cell::width).max().unwrap_or_default()
            })
            .collect();
        let gaps = GAP.len() * widths.len().saturating_sub(1);
        let wanted = widths.iter().sum::<usize>() + gaps;
        let too_much = width.map_or(0, |width| wanted.saturating_sub(width));
        for _ in 0..too_much {
            let cut = self.flexible.iter().copied();
            let cut = cut.filter(|column| widths[*column] > MIN_CUT);
            let Some(widest) = cut.max_by_key(|column| widths[*column]) else {
                break;
            };
            widths[widest] -= 1;
        }
        // A number is at the right, and so is the name of its column.
        let is_number = |column: usize| {
            let mut cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.next().is_some_and(|cell| cell.is_number)
        };
        let mut lines = Vec::new();
        for (index, row) in all().enumerate() {
            let mut line = String::new();
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let text = cut(&cell.text, *width);
                let padding = " ".repeat(width.saturating_sub(text.width()));
                let style = if index == 0 {
                    Some(Style::new().bold())
                } else {
                    cell.colour.map(style)
                };
                let style = style
                    .filter(|_| has_colours && !text.is_empty())
                    .unwrap_or_default();
                let text = format!("{style}{text}{style:#}");
                if column > 0 {
                    line.push_str(GAP);
                }
                if is_number(column) {
                    line.push_str(&padding);
                    line.push_str(&text);
                } else {
                    line.push_str(&text);
                    line.push_str(&padding);
                }
            }
            lines.push(line.trim_end().to_owned());
        }
        lines
    }
}

fn style(colour: Colour) -> Style {
    match colour {
        Colour::Good => AnsiColor::Green.on_default(),
        Colour::Bad => AnsiColor::Red.on_default(),
        Colour::Busy => AnsiColor::Yellow.on_default(),
        Colour::Quiet => Style::new().dimmed(),
    }
}

/// Cuts a text to a width in columns.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut cut = String::new();
    let mut room = width.saturating_sub(1);
    for letter in text.chars() {
        let Some(left) = room.checked_sub(letter.width().unwrap_or(0)) else {
            break;
        };
        room = left;
        cut.push(letter);
    }
    cut.push(CUT);
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(vec!["STATUS", "ERROR", "JOBS"], &[1]);
        let bad = Cell::new("ERROR").coloured(Some(Colour::Bad));
        table.push(vec![
            bad,
            Cell::new("quota exceeded in 서울 region"),
            Cell::number("7".to_owned()),
        ]);
        table.push(vec![
            Cell::new("SUCCESS"),
            Cell::new(""),
            Cell::number("1200".to_owned()),
        ]);
        table
    }

    #[test]
    fn a_table_has_the_width_of_the_terminal() {
        for (width, expected) in [
            (
                None,
                "STATUS   ERROR                          JOBS\n\
                 ERROR    quota exceeded in 서울 region     7\n\
                 SUCCESS                                 1200",
            ),
            (
                Some(36),
                "STATUS   ERROR                  JOBS\n\
                 ERROR    quota exceeded in 서…     7\n\
                 SUCCESS                         1200",
            ),
            (
                Some(5),
                "STATUS   ERROR     JOBS\n\
                 ERROR    quota e…     7\n\
                 SUCCESS            1200",
            ),
        ] {
            assert_eq!(
                table().lines_for(width, false).join("\n"),
                expected,
                "{width:?}"
            );
        }
        let coloured = table().lines_for(None, true);
        assert!(
            coloured[1].starts_with("\u{1b}[31mERROR\u{1b}[0m "),
            "{coloured:?}"
        );
    }

    #[test]
    fn of_several_columns_the_widest_is_cut() {
        let mut table = Table::new(vec!["A", "B"], &[0, 1]);
        table.push(vec![Cell::new(&"a".repeat(12)), Cell::new(&"b".repeat(30))]);
        for (width, expected) in [(40, [12, 26]), (25, [12, 11]), (1, [8, 8])] {
            let row = &table.lines_for(Some(width), false)[1];
            let cells: Vec<_> = row.split("  ").map(UnicodeWidthStr::width).collect();
            assert_eq!(cells, expected, "{width}");
        }
    }

    #[test]
    fn what_a_job_has_does_not_control_the_terminal() {
        for (text, expected) in [
            ("a\u{1b}[31mb", "a\u{FFFD}[31mb"),
            ("\n\n  first \nsecond", "first"),
            ("a\tb", "a b"),
            ("a\u{202E}b", "a\u{FFFD}b"),
            ("", ""),
        ] {
            assert_eq!(one_line(text), expected);
        }
    }
}
