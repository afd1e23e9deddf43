//! Names of parameters with brackets, and the values that they make: `query[filter][0][k]=status`.
//!
//! Rule: qs and axios write nested members as `a[b]`, an object in a list as `a[0][b]`, and a list as `a[]`, `a[0]` or `a`, once
//! for each item; jQuery the same.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// The most steps of a name: more than any member of a query has.
const MAX_STEPS: usize = 8;

/// A step from a value to one within it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step<'n> {
    Member(&'n str),
    /// The item of a list at an index.
    Item(usize),
    /// The next item of a list.
    Next,
}

impl<'n> Step<'n> {
    /// Returns the name of a member.
    pub(super) fn member(&self) -> Option<&'n str> {
        match self {
            Self::Member(name) => Some(name),
            Self::Item(_) | Self::Next => None,
        }
    }
}

/// Splits a name at its dots and brackets.
///
/// # Errors
/// One line that says what is wrong with the brackets.
pub(super) fn steps(name: &str) -> Result<Vec<Step<'_>>, String> {
    let (head, mut rest) = name.split_at(name.find('[').unwrap_or(name.len()));
    let mut steps: Vec<_> = head.split('.').map(Step::Member).collect();
    while !rest.is_empty() {
        if let Some(members) = rest.strip_prefix('.') {
            let (members, after) = members.split_at(members.find('[').unwrap_or(members.len()));
            steps.extend(members.split('.').map(Step::Member));
            rest = after;
            continue;
        }
        let within = rest.strip_prefix('[');
        let Some((step, after)) = within.and_then(|within| within.split_once(']')) else {
            return Err("has a bracket without its counterpart".to_owned());
        };
        steps.push(match step.parse() {
            _ if step.is_empty() => Step::Next,
            Ok(index) => Step::Item(index),
            Err(_) => Step::Member(step),
        });
        rest = after;
    }
    if steps.len() > MAX_STEPS {
        return Err(format!("is nested more than {MAX_STEPS} deep"));
    }
    Ok(steps)
}

/// A value that is made from parameters, as far as they were read.
#[derive(Debug, Default)]
pub(super) enum Node {
    #[default]
    Nothing,
    Value(Value),
    Members(Vec<(String, Node)>),
    /// Items with their index, each with the first name that was written for it.
    Numbered(BTreeMap<usize, (String, Node)>),
    /// Items in the order in which they came.
    Listed(Vec<Value>),
}

impl Node {
    /// Adds a value below this one. `name` is the parameter as it was written.
    ///
    /// # Errors
    /// One line that says why the value contradicts those before.
    pub(super) fn insert(
        &mut self,
        steps: &[Step<'_>],
        name: &str,
        value: Value,
    ) -> Result<(), String> {
        let is_new = matches!(self, Self::Nothing);
        match (steps, self) {
            ([], this) if is_new => {
                *this = Self::Value(value);
                Ok(())
            }
            ([], Self::Value(_)) => Err("given twice".to_owned()),
            ([Step::Next], this) if is_new => {
                *this = Self::Listed(vec![value]);
                Ok(())
            }
            ([Step::Next], Self::Listed(items)) => {
                items.push(value);
                Ok(())
            }
            ([Step::Next, ..], _) if steps.len() > 1 => {
                Err("has a list without numbers; write `[0]` for its first item".to_owned())
            }
            ([Step::Item(_), ..], this) if is_new => {
                *this = Self::Numbered(BTreeMap::new());
                this.insert(steps, name, value)
            }
            ([Step::Item(index), rest @ ..], Self::Numbered(items)) => {
                let item = items.entry(*index);
                let (_, item) = item.or_insert_with(|| (name.to_owned(), Self::Nothing));
                item.insert(rest, name, value)
            }
            ([Step::Member(_), ..], this) if is_new => {
                *this = Self::Members(Vec::new());
                this.insert(steps, name, value)
            }
            ([Step::Member(member), rest @ ..], Self::Members(members)) => {
                let known = members.iter().position(|(known, _)| known == member);
                let index = known.unwrap_or_else(|| {
                    members.push(((*member).to_owned(), Self::Nothing));
                    members.len() - 1
                });
                match members.get_mut(index) {
                    Some((_, node)) => node.insert(rest, name, value),
                    None => Ok(()),
                }
            }
            _ => Err("is given in another form as well; write all of it in one".to_owned()),
        }
    }

    /// Returns the value.
    ///
    /// # Errors
    /// The name of a parameter, as it was written, before whose item others are missing.
    pub(super) fn into_value(self) -> Result<Value, String> {
        Ok(match self {
            Self::Nothing => Value::Null,
            Self::Value(value) => value,
            Self::Listed(items) => Value::Array(items),
            Self::Members(members) => {
                let members = members.into_iter();
                let members = members.map(|(name, node)| Ok((name, node.into_value()?)));
                Value::Object(members.collect::<Result<Map<_, _>, String>>()?)
            }
            Self::Numbered(items) => {
                let items = items.into_iter().enumerate();
                let items = items.map(|(expected, (index, (name, node)))| {
                    if index == expected {
                        node.into_value()
                    } else {
                        Err(name)
                    }
                });
                Value::Array(items.collect::<Result<_, _>>()?)
            }
        })
    }
}
