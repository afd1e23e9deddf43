//! The distinct values at a path.

use super::value::{Row, V, equal, expand, index, member};

/// Returns the distinct values at a path.
pub(crate) fn distinct(rows: &[Row], key: &str) -> Vec<V> {
    let path = expand(key);
    let mut values: Vec<V> = Vec::new();
    for row in rows {
        let mut found = Vec::new();
        collect(&V::Object(row.clone()), &path, &mut found);
        for value in found {
            if !values.iter().any(|other| equal(other, &value)) {
                values.push(value);
            }
        }
    }
    values
}

/// Collects the values at a path. An array at its end gives its elements, once.
///
/// Within an array a number is an index and nothing else, and a name leads into the elements that are objects.
fn collect(value: &V, path: &[String], found: &mut Vec<V>) {
    let Some((step, rest)) = path.split_first() else {
        match value {
            V::Array(items) => found.extend(items.iter().cloned()),
            single => found.push(single.clone()),
        }
        return;
    };
    match value {
        V::Object(members) => {
            if let Some(inner) = member(members, step) {
                collect(inner, rest, found);
            }
        }
        V::Array(items) if step.bytes().all(|byte| byte.is_ascii_digit()) => {
            if let Some(item) = index(items, step) {
                collect(item, rest, found);
            }
        }
        V::Array(items) => {
            for item in items {
                if matches!(item, V::Object(_)) {
                    collect(item, path, found);
                }
            }
        }
        _ => {}
    }
}
