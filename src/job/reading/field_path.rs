//! `FieldPath`: where a value is in the text of a job.

use std::fmt;

use serde_json::{Map, Value};
use serde_path_to_error::{Path, Segment};

/// The way from a job to a value in it; empty for the job itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct FieldPath(pub(super) Vec<Step>);

/// One step of the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Member(String),
    Index(usize),
}

impl FieldPath {
    /// Makes the path of names alone.
    pub(super) fn of(names: &[&str]) -> Self {
        let names = names.iter().map(|name| Step::Member((*name).to_owned()));
        Self(names.collect())
    }

    /// Makes the path at which a reader stopped.
    pub(super) fn from_reader(path: &Path) -> Self {
        let steps = path.iter().filter_map(|segment| match segment {
            Segment::Seq { index } => Some(Step::Index(*index)),
            Segment::Map { key } => Some(Step::Member(key.clone())),
            // Documents have no enums with content, and a reader knows its members.
            Segment::Enum { .. } | Segment::Unknown => None,
        });
        Self(steps.collect())
    }

    /// Returns the path of a member one level below.
    pub(super) fn member(&self, name: &str) -> Self {
        let mut path = self.clone();
        path.0.push(Step::Member(name.to_owned()));
        path
    }

    /// Returns the path of an element one level below.
    pub(super) fn element(&self, index: usize) -> Self {
        let mut path = self.clone();
        path.0.push(Step::Index(index));
        path
    }

    /// Returns what is left of the path below another; `None` where it leads elsewhere.
    pub(super) fn below(&self, above: &Self) -> Option<&[Step]> {
        self.0.strip_prefix(above.0.as_slice())
    }

    /// Takes the value at the path out of a job. An element of an array becomes an empty object, so that the others stay
    /// where they are. Returns false where there is none.
    pub(super) fn take_out(&self, job: &mut Value) -> bool {
        let Some((last, above)) = self.0.split_last() else {
            return false;
        };
        let parent = above.iter().try_fold(job, |value, step| match step {
            Step::Member(name) => value.get_mut(name),
            Step::Index(index) => value.get_mut(index),
        });
        match (parent, last) {
            (Some(Value::Object(parent)), Step::Member(name)) => parent.remove(name).is_some(),
            (Some(Value::Array(parent)), Step::Index(index)) => {
                let element = parent.get_mut(*index);
                element
                    .map(|element| std::mem::replace(element, Value::Object(Map::new())))
                    .is_some()
            }
            _ => false,
        }
    }
}

impl fmt::Display for FieldPath {
    /// Writes `errors[1].code`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.0.iter().enumerate() {
            match step {
                Step::Member(name) if index == 0 => f.write_str(name)?,
                Step::Member(name) => write!(f, ".{name}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_taken_out_where_the_path_leads() {
        let whole = json!({"a": {"b": [1, {"c": 2}]}, "d": 3});
        let in_array = FieldPath::of(&["a", "b"]).element(1);
        for (path, left) in [
            (FieldPath::of(&["d"]), json!({"a": {"b": [1, {"c": 2}]}})),
            (in_array.member("c"), json!({"a": {"b": [1, {}]}, "d": 3})),
            (
                FieldPath::of(&["a", "b"]).element(0),
                json!({"a": {"b": [{}, {"c": 2}]}, "d": 3}),
            ),
        ] {
            let mut job = whole.clone();
            assert!(path.take_out(&mut job), "{path}");
            assert_eq!(job, left, "{path}");
        }
        for path in [
            FieldPath::default(),
            FieldPath::of(&["x"]),
            FieldPath::of(&["d", "x"]),
            FieldPath::of(&["a", "b"]).element(2),
        ] {
            assert!(!path.take_out(&mut whole.clone()), "{path}");
        }
        assert_eq!(in_array.member("c").to_string(), "a.b[1].c");
    }
}
