//! Our SQL functions: the query room's small evaluators under SQL names.
//!
//! Each is deterministic and may not be used inside a schema. An argument that is the same for every row (a test, a
//! path, a pattern, a format) is read once a statement and kept by SQLite beside the statement.

use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::functions::{Aggregate, Context, FunctionFlags};
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, Error, Result, ToSql};

use super::{Interrupt, MAX_VALUE_BYTES};
use crate::query::Calculation;
use crate::query::eval::date_format::DateFormat;
use crate::query::eval::encoding::Encoded;
use crate::query::eval::path::{self, parse_path, parse_paths};
use crate::query::eval::pattern::Pattern;
use crate::query::eval::predicate::CompiledPredicate;
use crate::query::eval::projection::Projection;
use crate::query::eval::value::MongoValue;
use crate::query::eval::{arithmetic, functions};
use crate::query::sql::Param;
use crate::time::Timestamp;

/// Stands before the sentence in an error of our functions, since SQLite hands on nothing but the text.
pub(super) const FAULT: &str = "jobdeck fault: ";

fn fault(problem: impl std::fmt::Display) -> Error {
    Error::UserFunctionError(format!("{FAULT}{problem}").into())
}

/// Stands there instead where what is stored is at fault, and not what was asked.
pub(super) const DAMAGE: &str = "jobdeck damage: ";

fn damage(problem: impl std::fmt::Display) -> Error {
    Error::UserFunctionError(format!("{DAMAGE}{problem}").into())
}

impl ToSql for Param {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(integer) => ValueRef::Integer(*integer),
            Self::Real(real) => ValueRef::Real(*real),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(blob) => ValueRef::Blob(blob),
        }))
    }
}

/// A value of SQLite's as a [`Param`].
fn param(value: ValueRef<'_>) -> Result<Param> {
    Ok(match value {
        ValueRef::Null => Param::Null,
        ValueRef::Integer(integer) => Param::Integer(integer),
        ValueRef::Real(real) => Param::Real(real),
        ValueRef::Text(text) => Param::Text(std::str::from_utf8(text).map_err(damage)?.to_owned()),
        ValueRef::Blob(blob) => Param::Blob(blob.to_owned()),
    })
}

fn output(value: Option<MongoValue>) -> ToSqlOutput<'static> {
    output_param(value.map_or(Param::Null, MongoValue::into_param))
}

fn output_param(param: Param) -> ToSqlOutput<'static> {
    ToSqlOutput::Owned(match param {
        Param::Null => Value::Null,
        Param::Integer(integer) => Value::Integer(integer),
        Param::Real(real) => Value::Real(real),
        Param::Text(text) => Value::Text(text),
        Param::Blob(blob) => Value::Blob(blob),
    })
}

fn any(context: &Context<'_>, index: usize) -> Result<Option<MongoValue>> {
    Ok(MongoValue::from_param(param(context.get_raw(index))?))
}

fn text<'c>(context: &'c Context<'_>, index: usize) -> Result<&'c str> {
    context.get_raw(index).as_str().map_err(damage)
}

/// A text; nothing where SQL has NULL.
fn text_or_null<'c>(context: &'c Context<'_>, index: usize) -> Result<Option<&'c str>> {
    context.get_raw(index).as_str_or_null().map_err(damage)
}

/// The argument, read by `read` for the first row and kept for the others.
fn kept<T: Send + Sync + 'static>(
    context: &Context<'_>,
    index: usize,
    read: impl FnOnce(&str) -> Result<T, String>,
) -> Result<Arc<T>> {
    context.get_or_create_aux(
        i32::try_from(index).unwrap_or(i32::MAX),
        |value| -> Result<T, Box<dyn std::error::Error + Send + Sync>> {
            read(value.as_str()?).map_err(|problem| format!("{FAULT}{problem}").into())
        },
    )
}

fn path(context: &Context<'_>, index: usize) -> Result<Arc<Vec<String>>> {
    kept(context, index, parse_path)
}

/// What bounds the functions of a connection: the query's interrupt, which SQLite itself does not look at while a
/// function runs, and how much its lists hold.
#[derive(Debug, Default)]
pub(super) struct Limits {
    interrupt: Mutex<Option<Arc<Interrupt>>>,
    listed_bytes: AtomicUsize,
}

/// The most that all the lists and merged objects of a query may hold, in bytes as their values travel.
const MAX_LISTED_BYTES: usize = 64 << 20;

impl Limits {
    /// Sets the bounds of the next query; `None` for none.
    pub(super) fn begin(&self, interrupt: Option<Arc<Interrupt>>) {
        *self
            .interrupt
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = interrupt;
        self.listed_bytes.store(0, Ordering::Relaxed);
    }

    /// Whether the query's time is up.
    pub(super) fn is_due(&self) -> bool {
        let interrupt = self
            .interrupt
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        interrupt
            .as_ref()
            .is_some_and(|interrupt| interrupt.is_due())
    }

    /// Ends the query where its time is up: a pattern may take as long over one value as SQLite over many thousand rows,
    /// and SQLite looks once in a thousand steps. Returns the size of the arguments.
    fn look(&self, context: &Context<'_>) -> Result<usize> {
        let bytes = (0..context.len())
            .map(|index| match context.get_raw(index) {
                ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.len(),
                _ => 0,
            })
            .sum();
        if self.is_due() {
            let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_INTERRUPT);
            return Err(Error::SqliteFailure(code, None));
        }
        Ok(bytes)
    }

    /// As [`Limits::look`]; the arguments are kept from now on.
    fn keep(&self, context: &Context<'_>) -> Result<()> {
        let bytes = self.look(context)? + std::mem::size_of::<MongoValue>();
        if self.listed_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes > MAX_LISTED_BYTES {
            let problem =
                "the lists of this query are larger than 64 MiB; narrow the filter, or add a limit";
            return Err(fault(problem));
        }
        Ok(())
    }
}

/// Registers every function.
pub(super) fn register(connection: &Connection, limits: &Arc<Limits>) -> Result<()> {
    let scalar = Registrar { connection, limits };
    scalar.add("matches", 2, |context| {
        let pattern = kept(context, 1, Pattern::new)?;
        match context.get_raw(0) {
            ValueRef::Null => Ok(false),
            value => pattern
                .is_match(value.as_str().map_err(damage)?)
                .map_err(fault),
        }
    })?;
    scalar.add("holds", 2, |context| {
        let test = kept(context, 1, CompiledPredicate::new)?;
        test.holds(text(context, 0)?)
            .map_err(damage)?
            .map_err(fault)
    })?;
    scalar.add("only", 2, |context| {
        let cut = kept(context, 1, |text| {
            parse_paths(text).map(|paths| Projection::new(&paths))
        })?;
        cut.apply(text(context, 0)?).map_err(damage)
    })?;
    // Where there is no text, nothing is found in it.
    scalar.add("sort_value", 3, |context| {
        let path = path(context, 1)?;
        let Some(text) = text_or_null(context, 0)? else {
            return Ok(output_param(crate::query::eval::value::MISSING_SORT_KEY));
        };
        let key = functions::sort_value(text, &path, context.get(2)?).map_err(damage)?;
        Ok(output_param(key))
    })?;
    scalar.add("value_at", 2, |context| {
        let path = path(context, 1)?;
        let value = text_or_null(context, 0)?.map(|text| functions::value_at(text, &path));
        value
            .transpose()
            .map(|value| output(value.flatten()))
            .map_err(damage)
    })?;
    scalar.add("member_at", 2, |context| {
        let path = path(context, 1)?;
        let value = text_or_null(context, 0)?.map(|text| functions::member_at(text, &path));
        value
            .transpose()
            .map(|value| output(value.flatten()))
            .map_err(damage)
    })?;
    scalar.add("elements_at", 2, |context| {
        let path = path(context, 1)?;
        let elements = text_or_null(context, 0)?.map(|text| functions::elements_at(text, &path));
        elements.transpose().map(Option::flatten).map_err(damage)
    })?;
    scalar.add("reached", 2, |context| {
        let path = path(context, 1)?;
        let reached = text_or_null(context, 0)?.map(|text| functions::reached(text, &path));
        reached.transpose().map(Option::flatten).map_err(damage)
    })?;
    register_values(&scalar)?;
    aggregate(connection, "sum_numbers", 1, Sums { mean: false })?;
    aggregate(connection, "average_numbers", 1, Sums { mean: true })?;
    aggregate(connection, "first", 1, Edge { last: false })?;
    aggregate(connection, "last", 1, Edge { last: true })?;
    aggregate(
        connection,
        "push",
        1,
        Push {
            limits: Arc::clone(limits),
        },
    )?;
    aggregate(
        connection,
        "merge_objects",
        2,
        Merge {
            limits: Arc::clone(limits),
        },
    )
}

/// The functions over values that travel ([`crate::query::eval::value`]).
fn register_values(scalar: &Registrar<'_>) -> Result<()> {
    scalar.add("get", 2, |context| {
        let path = path(context, 1)?;
        // Nothing lies below a value that does not travel as a BLOB.
        let encoded = context.get_raw(0).as_blob().unwrap_or_default();
        Ok(output(MongoValue::get_encoded(encoded, &path)))
    })?;
    scalar.add("member", 2, |context| {
        let path = path(context, 1)?;
        Ok(output(
            any(context, 0)?.and_then(|value| path::member(value, &path)),
        ))
    })?;
    scalar.add("put", 3, |context| {
        let path = path(context, 1)?;
        let (whole, part) = (any(context, 0)?, any(context, 2)?);
        Ok(output(match (whole, part) {
            (Some(whole), Some(part)) => Some(path::put(whole, &path, part)),
            (whole, _) => whole,
        }))
    })?;
    scalar.add("explode", 1, |context| {
        Ok(functions::explode(any(context, 0)?))
    })?;
    scalar.add("sort_key", 3, |context| {
        let path = path(context, 1)?;
        let value = any(context, 0)?;
        let descending = context.get(2)?;
        let missing = crate::query::eval::value::MISSING_SORT_KEY;
        Ok(output_param(value.map_or(missing, |value| {
            functions::sort_key(&value, &path, descending)
        })))
    })?;
    scalar.add("time_value", 1, |context| {
        Ok(output(
            context
                .get::<Option<i64>>(0)?
                .and_then(Timestamp::from_millis)
                .map(MongoValue::Time),
        ))
    })?;
    scalar.add("date_text", 2, |context| {
        let format = kept(context, 1, DateFormat::new)?;
        let moment = context
            .get::<Option<i64>>(0)?
            .and_then(Timestamp::from_millis);
        Ok(output(moment.map(|moment| format.format(moment))))
    })?;
    scalar.add("any_date_text", 3, |context| {
        let format = kept(context, 1, DateFormat::new)?;
        match any(context, 0)? {
            None | Some(MongoValue::Null) => Ok(output(None)),
            Some(MongoValue::Time(moment)) => Ok(output(Some(format.format(moment)))),
            Some(other) => Err(fault(functions::not_a_date(&other, text(context, 2)?))),
        }
    })?;
    scalar.add("size_of", 2, |context| {
        functions::size_of(any(context, 0)?, text(context, 1)?)
            .map(|value| output(Some(value)))
            .map_err(fault)
    })?;
    scalar.add("sum_of", 1, |context| {
        Ok(output(Some(arithmetic::sum_of(any(context, 0)?))))
    })?;
    scalar.add("array_to_object", 2, |context| {
        functions::array_to_object(any(context, 0)?, text(context, 1)?)
            .map(|value| output(Some(value)))
            .map_err(fault)
    })?;
    scalar.add("object_to_array", 2, |context| {
        functions::object_to_array(any(context, 0)?, text(context, 1)?)
            .map(|value| output(Some(value)))
            .map_err(fault)
    })?;
    scalar.add("object_of", -1, |context| {
        let names = path(context, 0)?;
        let mut object = Encoded::object();
        for (index, name) in names.iter().enumerate() {
            object.insert(name, &param(context.get_raw(index + 1))?);
            if object.size() > MAX_VALUE_BYTES {
                return Err(fault("a pushed object is larger than 16 MiB"));
            }
        }
        Ok(output_param(object.into_param()))
    })?;
    scalar.add("calculate", -1, |context| {
        let name = text(context, 0)?;
        let calculation = Calculation::ALL
            .into_iter()
            .find(|calculation| calculation.name() == name);
        let calculation =
            calculation.ok_or_else(|| fault(format_args!("unknown calculation {name}")))?;
        let values = (2..context.len())
            .map(|index| any(context, index))
            .collect::<Result<Vec<_>>>()?;
        arithmetic::calculate(calculation, text(context, 1)?, &values)
            .map(|value| output(Some(value)))
            .map_err(fault)
    })
}

const FLAGS: FunctionFlags = FunctionFlags::SQLITE_UTF8
    .union(FunctionFlags::SQLITE_DETERMINISTIC)
    .union(FunctionFlags::SQLITE_DIRECTONLY);

struct Registrar<'c> {
    connection: &'c Connection,
    limits: &'c Arc<Limits>,
}

impl Registrar<'_> {
    fn add<F, T>(&self, name: &str, arguments: i32, function: F) -> Result<()>
    where
        F: Fn(&Context<'_>) -> Result<T> + Send + 'static,
        T: rusqlite::functions::SqlFnOutput,
    {
        let limits = Arc::clone(self.limits);
        self.connection
            .create_scalar_function(name, arguments, FLAGS, move |context| {
                limits.look(context)?;
                function(context)
            })
    }
}

fn aggregate<A, D>(connection: &Connection, name: &str, arguments: i32, function: D) -> Result<()>
where
    A: RefUnwindSafe + UnwindSafe + Send + 'static,
    D: Aggregate<A, ToSqlOutput<'static>> + Send + 'static,
{
    connection.create_aggregate_function(name, arguments, FLAGS, function)
}

/// `sum_numbers` and `average_numbers`.
struct Sums {
    mean: bool,
}

impl Aggregate<arithmetic::Sum, ToSqlOutput<'static>> for Sums {
    fn init(&self, _: &mut Context<'_>) -> Result<arithmetic::Sum> {
        Ok(arithmetic::Sum::default())
    }
    fn step(&self, context: &mut Context<'_>, sum: &mut arithmetic::Sum) -> Result<()> {
        if let Some(value) = any(context, 0)? {
            sum.add(&value);
        }
        Ok(())
    }
    fn finalize(
        &self,
        _: &mut Context<'_>,
        sum: Option<arithmetic::Sum>,
    ) -> Result<ToSqlOutput<'static>> {
        let sum = sum.unwrap_or_default();
        Ok(match if self.mean { sum.mean() } else { sum.total() } {
            MongoValue::Null => output(None),
            number => output(Some(number)),
        })
    }
}

/// `first` and `last`, in the order in which the rows come.
struct Edge {
    last: bool,
}

impl Aggregate<Option<Param>, ToSqlOutput<'static>> for Edge {
    fn init(&self, _: &mut Context<'_>) -> Result<Option<Param>> {
        Ok(None)
    }
    fn step(&self, context: &mut Context<'_>, kept: &mut Option<Param>) -> Result<()> {
        if self.last || kept.is_none() {
            *kept = Some(param(context.get_raw(0))?);
        }
        Ok(())
    }
    fn finalize(
        &self,
        _: &mut Context<'_>,
        kept: Option<Option<Param>>,
    ) -> Result<ToSqlOutput<'static>> {
        Ok(kept.flatten().map_or_else(|| output(None), output_param))
    }
}

/// `push`: the values that are there, as a list.
struct Push {
    limits: Arc<Limits>,
}

impl Aggregate<Encoded, ToSqlOutput<'static>> for Push {
    fn init(&self, _: &mut Context<'_>) -> Result<Encoded> {
        Ok(Encoded::list())
    }
    fn step(&self, context: &mut Context<'_>, list: &mut Encoded) -> Result<()> {
        self.limits.keep(context)?;
        list.push(&param(context.get_raw(0))?);
        Ok(())
    }
    fn finalize(&self, _: &mut Context<'_>, list: Option<Encoded>) -> Result<ToSqlOutput<'static>> {
        Ok(output_param(
            list.unwrap_or_else(Encoded::list).into_param(),
        ))
    }
}

/// `merge_objects`, in the order in which the rows come.
struct Merge {
    limits: Arc<Limits>,
}

impl Aggregate<functions::Members, ToSqlOutput<'static>> for Merge {
    fn init(&self, _: &mut Context<'_>) -> Result<functions::Members> {
        Ok(functions::Members::default())
    }
    fn step(&self, context: &mut Context<'_>, merged: &mut functions::Members) -> Result<()> {
        self.limits.keep(context)?;
        let value = any(context, 0)?;
        merged.merge(value, text(context, 1)?).map_err(fault)
    }
    fn finalize(
        &self,
        _: &mut Context<'_>,
        merged: Option<functions::Members>,
    ) -> Result<ToSqlOutput<'static>> {
        Ok(output(Some(merged.unwrap_or_default().into_any())))
    }
}
