//! Rows that were computed without a statement, in the form in which they are bound to one: the SQL function `cell`.

use serde::{Deserialize, Serialize};

use crate::query::sql::Param;

/// A value of a row. A float has its bits, since a decimal text may not give it back exactly.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Cell {
    Null,
    Integer(i64),
    Real(u64),
    Text(String),
    Blob(Vec<u8>),
}

/// Returns rows as a JSON array of arrays, of which [`cell`] reads the values.
pub(in crate::query) fn cells_param(rows: &[Vec<Param>]) -> Param {
    let rows = rows.iter().map(|row| {
        let cells = row.iter().map(|value| match value {
            Param::Null => Cell::Null,
            Param::Integer(integer) => Cell::Integer(*integer),
            Param::Real(real) => Cell::Real(real.to_bits()),
            Param::Text(text) => Cell::Text(text.clone()),
            Param::Blob(blob) => Cell::Blob(blob.clone()),
        });
        cells.collect::<Vec<_>>()
    });
    // Serialising integers, strings and bytes can't fail.
    Param::Text(serde_json::to_string(&rows.collect::<Vec<_>>()).unwrap_or_default())
}

/// Returns a value of a row, given by its position.
///
/// # Errors
/// When the text is not such a row.
pub fn cell(row: &str, number: usize) -> Result<Param, serde_json::Error> {
    let mut cells: Vec<Cell> = serde_json::from_str(row)?;
    if number >= cells.len() {
        return Ok(Param::Null);
    }
    Ok(match cells.swap_remove(number) {
        Cell::Null => Param::Null,
        Cell::Integer(integer) => Param::Integer(integer),
        Cell::Real(bits) => Param::Real(f64::from_bits(bits)),
        Cell::Text(text) => Param::Text(text),
        Cell::Blob(blob) => Param::Blob(blob),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_comes_back_exactly() {
        let row = vec![
            Param::Null,
            Param::Integer(i64::MIN),
            Param::Real(0.1 + 0.2),
            Param::Real(f64::NEG_INFINITY),
            Param::Text("\"\u{0}\u{e9}".to_owned()),
            Param::Blob(vec![0, 255]),
        ];
        let Param::Text(rows) = cells_param(std::slice::from_ref(&row)) else {
            panic!("rows are bound as text");
        };
        let text = &rows[1..rows.len() - 1];
        for (number, value) in row.iter().enumerate() {
            assert_eq!(cell(text, number).unwrap(), *value);
        }
        assert_eq!(cell(text, row.len()).unwrap(), Param::Null);
    }
}
