//! Arithmetic over values, as MongoDB does it: the calculations of `project`, and running sums.

use std::cmp::Ordering;

use crate::query::eval::value::MongoValue;
use crate::time::Timestamp;

/// A calculation over several values.
///
/// Rule: MongoDB's `$add`, `$subtract`, `$multiply` and `$divide`: a null or missing operand makes the result null, and
/// any other operand that is not a number is an error. `$sum` ignores operands that are not numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calculation {
    Add,
    Subtract,
    Multiply,
    Divide,
    Sum,
}

impl Calculation {
    /// Every calculation.
    pub const ALL: [Self; 5] = [
        Self::Add,
        Self::Subtract,
        Self::Multiply,
        Self::Divide,
        Self::Sum,
    ];

    /// The name of the operator in a request.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Subtract => "subtract",
            Self::Multiply => "multiply",
            Self::Divide => "divide",
            Self::Sum => "sum",
        }
    }
}

/// Returns the sum of the numbers of an array, or a single number itself; 0 for anything else.
#[must_use]
pub fn sum_of(value: Option<MongoValue>) -> MongoValue {
    let mut sum = Sum::default();
    match value {
        Some(MongoValue::Array(items)) => items.iter().for_each(|item| sum.add(item)),
        Some(single) => sum.add(&single),
        None => {}
    }
    sum.total()
}

/// Calculates over several values.
///
/// # Errors
/// A sentence for an operand that is not a number, a division by zero, and a result out of range.
pub fn calculate(
    calculation: Calculation,
    location: &str,
    values: &[Option<MongoValue>],
) -> Result<MongoValue, String> {
    if calculation == Calculation::Sum {
        let mut sum = Sum::default();
        values.iter().flatten().for_each(|value| sum.add(value));
        return Ok(sum.total());
    }
    let name = calculation.name();
    let is_null = |value: &Option<MongoValue>| matches!(value, None | Some(MongoValue::Null));
    // `$subtract` and `$divide` look for a null first; `$add` and `$multiply` go from operand to operand.
    let takes_two = matches!(calculation, Calculation::Subtract | Calculation::Divide);
    if takes_two && values.iter().any(is_null) {
        return Ok(MongoValue::Null);
    }
    let mut is_date = false;
    let mut numbers = Vec::with_capacity(values.len());
    for (position, value) in values.iter().enumerate() {
        match (value, calculation, is_date) {
            (None | Some(MongoValue::Null), ..) => return Ok(MongoValue::Null),
            (Some(MongoValue::Integer(integer)), ..) => numbers.push(Number::Integer(*integer)),
            (Some(MongoValue::Real(real)), ..) => numbers.push(Number::Real(*real)),
            // A date plus milliseconds is a date.
            (Some(MongoValue::Time(time)), Calculation::Add, false) => {
                is_date = true;
                numbers.push(Number::Integer(time.millis()));
            }
            (Some(MongoValue::Time(time)), Calculation::Subtract, false) if position == 0 => {
                is_date = true;
                numbers.push(Number::Integer(time.millis()));
            }
            // A date minus a date is milliseconds.
            (Some(MongoValue::Time(time)), Calculation::Subtract, true) => {
                is_date = false;
                numbers.push(Number::Integer(time.millis()));
            }
            (Some(other), ..) => {
                let takes = "takes numbers, or one datetime to add to or subtract from";
                return Err(format!(
                    "{location}: `{name}` {takes}, found {}",
                    other.type_name()
                ));
            }
        }
    }
    let result = combine(calculation, numbers).map_err(|error| match error {
        NotCalculated::DivisionByZero => format!("{location}: `divide` by zero"),
        NotCalculated::TooLarge => format!("{location}: `{name}` gives a number that is too large"),
    })?;
    Ok(match (result, is_date) {
        (Some(number), true) => {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "the next line refuses what is out of range"
            )]
            let time = Timestamp::from_millis(number.float().round() as i64);
            MongoValue::Time(
                time.ok_or_else(|| format!("{location}: `{name}` gives a datetime out of range"))?,
            )
        }
        (Some(number), false) => number.into(),
        (None, _) => MongoValue::Null,
    })
}

/// A number of either kind.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    Integer(i64),
    Real(f64),
}

impl Number {
    /// Compares two numbers exactly.
    #[must_use]
    pub fn compare(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Integer(one), Self::Integer(other)) => one.cmp(&other),
            (one, other) => MongoValue::from(one).compare(&other.into()),
        }
    }

    fn float(self) -> f64 {
        match self {
            #[expect(
                clippy::cast_precision_loss,
                reason = "what float arithmetic does to a large integer"
            )]
            Self::Integer(integer) => integer as f64,
            Self::Real(real) => real,
        }
    }
}

impl From<Number> for MongoValue {
    fn from(number: Number) -> Self {
        match number {
            Number::Integer(integer) => Self::Integer(integer),
            Number::Real(real) => Self::Real(real),
        }
    }
}

/// Why a calculation has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotCalculated {
    DivisionByZero,
    /// The result is not finite.
    TooLarge,
}

/// Calculates over numbers, from the first to the last; `None` without any.
///
/// Integers give an integer, unless they overflow or are divided: then, and where any number is a float, it is a float.
///
/// # Errors
/// [`NotCalculated`].
pub fn combine(
    calculation: Calculation,
    numbers: impl IntoIterator<Item = Number>,
) -> Result<Option<Number>, NotCalculated> {
    let integers: fn(i64, i64) -> Option<i64> = match calculation {
        Calculation::Add | Calculation::Sum => i64::checked_add,
        Calculation::Subtract => i64::checked_sub,
        Calculation::Multiply => i64::checked_mul,
        Calculation::Divide => |_, _| None,
    };
    let floats: fn(f64, f64) -> f64 = match calculation {
        Calculation::Add | Calculation::Sum => |a, b| a + b,
        Calculation::Subtract => |a, b| a - b,
        Calculation::Multiply => |a, b| a * b,
        Calculation::Divide => |a, b| a / b,
    };
    let mut numbers = numbers.into_iter();
    let Some(mut result) = numbers.next() else {
        return Ok(None);
    };
    for number in numbers {
        if calculation == Calculation::Divide && number.float() == 0.0 {
            return Err(NotCalculated::DivisionByZero);
        }
        let exact = match (result, number) {
            (Number::Integer(one), Number::Integer(other)) => integers(one, other),
            _ => None,
        };
        result = exact.map_or_else(
            || Number::Real(floats(result.float(), number.float())),
            Number::Integer,
        );
    }
    match result {
        Number::Real(real) if !real.is_finite() => Err(NotCalculated::TooLarge),
        result => Ok(Some(result)),
    }
}

/// A running sum of numbers, which ignores other values.
///
/// Rule: MongoDB's `$sum`: exact over integers; a float where the sum overflows int64, or where any number is a float.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sum {
    integers: i128,
    floats: f64,
    /// The rounding error of `floats` (Neumaier's summation).
    rounding_error: f64,
    has_floats: bool,
    count: u64,
}

impl Sum {
    /// Adds a value, if it is a number.
    pub fn add(&mut self, value: &MongoValue) {
        match value {
            MongoValue::Integer(integer) => self.add_number(Number::Integer(*integer)),
            MongoValue::Real(real) => self.add_number(Number::Real(*real)),
            _ => {}
        }
    }

    /// Adds a number.
    pub fn add_number(&mut self, number: Number) {
        match number {
            Number::Integer(integer) => {
                self.integers = self.integers.saturating_add(i128::from(integer));
            }
            Number::Real(real) => {
                self.has_floats = true;
                let sum = self.floats + real;
                self.rounding_error += if self.floats.abs() >= real.abs() {
                    (self.floats - sum) + real
                } else {
                    (real - sum) + self.floats
                };
                self.floats = sum;
            }
        }
        self.count += 1;
    }

    #[expect(clippy::cast_precision_loss, reason = "the result is a float")]
    fn float(&self) -> f64 {
        let floats = self.floats + self.rounding_error;
        let floats = if floats.is_nan() { self.floats } else { floats };
        self.integers as f64 + floats
    }

    /// Returns the sum; 0 where there was no number.
    #[must_use]
    pub fn total(&self) -> MongoValue {
        match i64::try_from(self.integers) {
            Ok(integer) if !self.has_floats => MongoValue::Integer(integer),
            _ => MongoValue::Real(self.float()),
        }
    }

    /// Returns the mean; null where there was no number.
    #[must_use]
    pub fn mean(&self) -> MongoValue {
        #[expect(clippy::cast_precision_loss, reason = "a count of rows")]
        let count = self.count as f64;
        if self.count == 0 {
            MongoValue::Null
        } else {
            MongoValue::Real(self.float() / count)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> MongoValue {
        MongoValue::from(&serde_json::from_str::<serde_json::Value>(text).unwrap())
    }

    fn json(value: &MongoValue) -> String {
        let mut out = Vec::new();
        value.write_json(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[track_caller]
    fn check_calculation(calculation: Calculation, values: &str, expected: &str) {
        let MongoValue::Array(values) = parse(values) else {
            panic!("a list")
        };
        let values: Vec<_> = values.into_iter().map(Some).collect();
        let got =
            calculate(calculation, "p", &values).map_or_else(|error| error, |value| json(&value));
        assert_eq!(got, expected);
    }

    #[test]
    fn calculations_follow_mongodb() {
        check_calculation(Calculation::Add, "[1,2,3]", "6");
        check_calculation(Calculation::Add, "[1,0.5]", "1.5");
        check_calculation(Calculation::Add, "[1,null]", "null");
        check_calculation(
            Calculation::Add,
            "[1,\"x\"]",
            "p: `add` takes numbers, or one datetime to add to or subtract from, found a string",
        );
        check_calculation(
            Calculation::Add,
            "[9223372036854775807,1]",
            "9.223372036854776e+18",
        );
        check_calculation(Calculation::Subtract, "[1,3]", "-2");
        check_calculation(Calculation::Multiply, "[4,2.5]", "10");
        check_calculation(Calculation::Divide, "[1,4]", "0.25");
        check_calculation(Calculation::Divide, "[4,2]", "2");
        check_calculation(Calculation::Divide, "[1,0]", "p: `divide` by zero");
        check_calculation(Calculation::Divide, "[null,0]", "null");
        check_calculation(Calculation::Divide, "[\"x\",null]", "null");
        check_calculation(
            Calculation::Multiply,
            "[1e300,1e300]",
            "p: `multiply` gives a number that is too large",
        );
        check_calculation(Calculation::Sum, "[1,\"x\",null,2.5]", "3.5");
    }

    #[test]
    fn dates_can_be_added_to_and_subtracted() {
        let at = |millis| Some(MongoValue::Time(Timestamp::from_millis(millis).unwrap()));
        let calculate =
            |calculation, values: &[Option<MongoValue>]| calculate(calculation, "p", values);
        let number = |number| Some(MongoValue::Integer(number));
        assert_eq!(
            calculate(Calculation::Subtract, &[at(5_000), at(2_000)]),
            Ok(MongoValue::Integer(3_000))
        );
        assert_eq!(
            calculate(Calculation::Subtract, &[at(5_000), number(2_000)]).ok(),
            at(3_000)
        );
        assert_eq!(
            calculate(Calculation::Add, &[number(1), at(5_000)]).ok(),
            at(5_001)
        );
        assert_eq!(
            calculate(Calculation::Subtract, &[at(5_000), None]),
            Ok(MongoValue::Null)
        );
        assert_eq!(
            calculate(Calculation::Subtract, &[None, at(5_000)]),
            Ok(MongoValue::Null)
        );
        assert_eq!(
            calculate(Calculation::Add, &[Some(MongoValue::Null), at(1), at(2)]),
            Ok(MongoValue::Null)
        );
        assert!(calculate(Calculation::Subtract, &[number(1), at(5_000)]).is_err());
        assert!(calculate(Calculation::Add, &[at(1), at(2)]).is_err());
        assert!(calculate(Calculation::Multiply, &[at(1), number(2)]).is_err());
    }

    #[test]
    fn sums_are_exact_over_integers() {
        assert_eq!(
            json(&sum_of(Some(parse("[9007199254740993,9007199254740993]")))),
            "18014398509481986"
        );
        assert_eq!(json(&sum_of(Some(parse("[1e16,1,-1e16,0.5]")))), "1.5");
        assert_eq!(json(&sum_of(Some(parse("true")))), "0");
    }
}
