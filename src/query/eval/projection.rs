//! Reduces a document to the paths of `only` or `minimal`.

use serde_json::{Map, Value};

use crate::query::eval::path::Paths;

/// The parts of a value that are answered: the whole value, or parts of some members.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Projection {
    whole: bool,
    members: Vec<(String, Projection)>,
}

impl Projection {
    /// Builds the tree of some paths.
    #[must_use]
    pub fn new(paths: &Paths) -> Self {
        let mut root = Self::default();
        for path in paths {
            let mut node = &mut root;
            for segment in path {
                let at = node
                    .members
                    .iter()
                    .position(|(name, _)| name == segment)
                    .unwrap_or_else(|| {
                        node.members.push((segment.clone(), Self::default()));
                        node.members.len() - 1
                    });
                node = &mut node.members[at].1;
            }
            node.whole = true;
        }
        root
    }

    /// Returns a document reduced to the paths.
    ///
    /// # Errors
    /// When the text is not a JSON object.
    pub fn apply(&self, document: &str) -> Result<String, serde_json::Error> {
        serde_json::to_string(&self.members_of(serde_json::from_str(document)?))
    }

    /// Returns the members of an object reduced to the paths.
    pub(in crate::query) fn members_of(&self, object: Map<String, Value>) -> Map<String, Value> {
        object
            .into_iter()
            .filter_map(|(name, value)| {
                let (_, projection) = self.members.iter().find(|(member, _)| *member == name)?;
                projection.value_of(value).map(|value| (name, value))
            })
            .collect()
    }

    fn value_of(&self, value: Value) -> Option<Value> {
        match value {
            value if self.whole => Some(value),
            Value::Object(object) => Some(Value::Object(self.members_of(object))),
            Value::Array(items) => Some(
                items
                    .into_iter()
                    .filter_map(|item| self.value_of(item))
                    .collect(),
            ),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(keys: &[&str], expected: &str) {
        const DOCUMENT: &str = r#"{"job_id":"j","filter":{"a":{"b":1,"c":2},"n":5},"errors":[{"error_code":"E","additional":{"x":[1,{"y":2},{"z":3}]}},{"message":"m"}]}"#;
        let path = |key: &&str| key.split('.').map(str::to_owned).collect();
        let paths = keys.iter().map(path).collect();
        assert_eq!(Projection::new(&paths).apply(DOCUMENT).unwrap(), expected);
    }

    #[test]
    fn documents_are_reduced_to_paths() {
        check(&["job_id"], r#"{"job_id":"j"}"#);
        check(
            &["filter.a.b", "job_id"],
            r#"{"job_id":"j","filter":{"a":{"b":1}}}"#,
        );
        check(
            &["filter.a.b", "filter"],
            r#"{"filter":{"a":{"b":1,"c":2},"n":5}}"#,
        );
        check(&["filter.n.x"], r#"{"filter":{}}"#);
        check(
            &["errors.error_code"],
            r#"{"errors":[{"error_code":"E"},{}]}"#,
        );
        check(
            &["errors.additional.x.y"],
            r#"{"errors":[{"additional":{"x":[{"y":2},{}]}},{}]}"#,
        );
        check(&[], "{}");
        check(&["status", "status"], "{}");
    }
}
