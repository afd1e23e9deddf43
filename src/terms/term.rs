//! `Term`: a key, an operator and values.

use crate::job::JobStatus;

use super::error::TermError;
use super::key::{self, Key, Kind, MESSAGE, Sign};
use super::message::has_placeholders;
use super::period::Period;
use super::value::{self, Value};

/// A term such as `status:ERROR,TIMEOUT`, in which nothing is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    pub(super) key: Key,
    pub(super) sign: Sign,
    /// One at least.
    pub(super) values: Vec<Value>,
}

impl Term {
    /// Reads a term; `None` for a plain word.
    ///
    /// # Errors
    /// [`TermError`], which says what is wrong and what is allowed.
    pub fn parse(text: &str) -> Result<Option<Self>, TermError> {
        let Some((name, sign, rest)) = key::divided(text) else {
            return Ok(None);
        };
        let is_path = !name.contains("..") && !name.ends_with('.');
        let key = Some(name).filter(|_| is_path).and_then(key::find);
        let key = key.ok_or_else(|| key::unknown(name))?;
        if !key.kind.takes(sign) {
            if key.kind == Kind::Anywhere {
                let words = rest.to_owned();
                return Err(TermError::PlainIsAnywhere { words });
            }
            return Err(TermError::NoOperator {
                signs: key.kind.signs(),
                key: key.name,
                sign: sign.text(),
            });
        }
        let values = Value::list(rest);
        if values.is_empty() {
            let term = text.to_owned();
            return Err(TermError::NoValue { term });
        }
        if values.len() > 1 && (sign.order().is_some() || key.kind == Kind::Time) {
            let term = format!("{}{}", key.name, sign.text());
            return Err(TermError::OneValue { term });
        }
        for value in &values {
            check_value(&key, value)?;
        }
        let mut texts = values.iter().map(|value| &value.text);
        if sign == Sign::IsNot && key.path == MESSAGE && texts.any(|text| has_placeholders(text)) {
            return Err(TermError::NoGroup { key: key.name });
        }
        Ok(Some(Self { key, sign, values }))
    }

    /// Makes the term that holds for the jobs for which this one does not.
    ///
    /// # Errors
    /// [`TermError`] where there is none.
    pub(super) fn negated(self) -> Result<Self, TermError> {
        let is_certain = self.sign.order().is_none() || self.key.is_always_there();
        let other = Self {
            sign: self.sign.opposite(),
            ..self.clone()
        }
        .write();
        if !is_certain {
            return Err(TermError::NoOpposite {
                term: self.write(),
                key: self.key.name,
                other,
            });
        }
        // The key may not have that operator.
        Ok(Self::parse(&other)?.unwrap_or(self))
    }

    /// Writes the term as it is read.
    #[must_use]
    pub fn write(&self) -> String {
        let values: Vec<_> = self.values.iter().map(Value::write).collect();
        format!("{}{}{}", self.key.name, self.sign.text(), values.join(","))
    }
}

fn check_value(key: &Key, value: &Value) -> Result<(), TermError> {
    let text = &value.text;
    if value.is_any() {
        return Ok(());
    }
    let (name, given) = (|| key.name.clone(), || text.clone());
    match key.kind {
        Kind::Number if value::number(text).is_none() => Err(TermError::NoNumber {
            key: name(),
            value: given(),
        }),
        Kind::Status if JobStatus::from_name(&text.to_uppercase()).is_none() => {
            Err(TermError::NoStatus {
                value: given(),
                statuses: key::statuses(),
            })
        }
        Kind::Time if Period::parse(text).is_none() => Err(TermError::NoTime {
            key: name(),
            value: given(),
        }),
        _ => Ok(()),
    }
}
