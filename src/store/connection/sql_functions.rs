//! jobdeck's SQL functions: the evaluators of [`crate::query::eval`] under SQL names.
//!
//! Each is deterministic and may not be used inside a schema. An argument that is the same for every row (a predicate, a
//! path, a pattern, a format) is parsed once a statement; SQLite holds the result with the statement.

use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::functions::{Aggregate, Context, FunctionFlags};
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, Error, Result, ToSql};

use crate::query::Calculation;
use crate::query::eval::cells::cell;
use crate::query::eval::date_format::DateFormat;
use crate::query::eval::encoding::Encoded;
use crate::query::eval::path::{self, parse_path, parse_paths};
use crate::query::eval::pattern::Pattern;
use crate::query::eval::percentile::{MAX_NUMBERS, Numbers, Percent};
use crate::query::eval::predicate::CompiledPredicate;
use crate::query::eval::projection::Projection;
use crate::query::eval::sort_key::SortKeys;
use crate::query::eval::value::{MISSING_SORT_KEY, MongoValue};
use crate::query::eval::{arithmetic, functions};
use crate::query::sql::Param;
use crate::store::interrupt::Interrupt;
use crate::time::Timestamp;

/// The largest value or row, in bytes: a document, or what a pipeline makes.
pub(in crate::store) const MAX_VALUE_BYTES: usize = 16 << 20;
/// The most that all the lists and merged objects of a query may hold, in bytes as their values are encoded.
const MAX_LISTED_BYTES: usize = 64 << 20;

/// Begins the text of an error that the request caused: SQLite passes on nothing of an error but its text.
pub(in crate::store) const REQUEST_ERROR: &str = "jobdeck request error: ";
/// Begins the text of an error that stored data caused.
pub(in crate::store) const DATA_ERROR: &str = "jobdeck data error: ";

fn request_error(problem: impl std::fmt::Display) -> Error {
    Error::UserFunctionError(format!("{REQUEST_ERROR}{problem}").into())
}

/// The error with which a query ends whose time is up.
fn interrupted() -> Error {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_INTERRUPT);
    Error::SqliteFailure(code, None)
}

fn data_error(problem: impl std::fmt::Display) -> Error {
    Error::UserFunctionError(format!("{DATA_ERROR}{problem}").into())
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

/// Converts a value of SQLite.
fn param(value: ValueRef<'_>) -> Result<Param> {
    Ok(match value {
        ValueRef::Null => Param::Null,
        ValueRef::Integer(integer) => Param::Integer(integer),
        ValueRef::Real(real) => Param::Real(real),
        ValueRef::Text(text) => {
            Param::Text(std::str::from_utf8(text).map_err(data_error)?.to_owned())
        }
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

fn mongo_value(context: &Context<'_>, index: usize) -> Result<Option<MongoValue>> {
    Ok(MongoValue::from_param(param(context.get_raw(index))?))
}

fn text<'c>(context: &'c Context<'_>, index: usize) -> Result<&'c str> {
    context.get_raw(index).as_str().map_err(data_error)
}

/// Returns a text; `None` for NULL.
fn text_or_null<'c>(context: &'c Context<'_>, index: usize) -> Result<Option<&'c str>> {
    context.get_raw(index).as_str_or_null().map_err(data_error)
}

/// Returns an argument that is the same for every row, as `parse` made it for the first.
fn constant<T: Send + Sync + 'static>(
    context: &Context<'_>,
    index: usize,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<Arc<T>> {
    context.get_or_create_aux(
        i32::try_from(index).unwrap_or(i32::MAX),
        |value| -> Result<T, Box<dyn std::error::Error + Send + Sync>> {
            parse(value.as_str()?).map_err(|problem| format!("{REQUEST_ERROR}{problem}").into())
        },
    )
}

fn path(context: &Context<'_>, index: usize) -> Result<Arc<Vec<String>>> {
    constant(context, index, parse_path)
}

/// Bounds the functions of a connection: by the query's interrupt, which SQLite does not check while a function runs, and
/// by how much the lists of the query hold.
#[derive(Debug, Default)]
pub(in crate::store) struct Limits {
    interrupt: Mutex<Option<Arc<Interrupt>>>,
    listed_bytes: AtomicUsize,
    /// How many numbers the percentiles of the query hold.
    held_numbers: AtomicUsize,
}

impl Limits {
    /// Sets the interrupt of the next query (`None` after the last), whose lists are empty at first.
    pub(in crate::store) fn set_interrupt(&self, interrupt: Option<Arc<Interrupt>>) {
        *self
            .interrupt
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = interrupt;
        self.listed_bytes.store(0, Ordering::Relaxed);
        self.held_numbers.store(0, Ordering::Relaxed);
    }

    /// Whether the query's time is up.
    pub(in crate::store) fn is_due(&self) -> bool {
        let interrupt = self
            .interrupt
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        interrupt
            .as_ref()
            .is_some_and(|interrupt| interrupt.is_due())
    }

    /// Ends the query where its time is up: a pattern may take as long over one value as SQLite over many thousand rows,
    /// and SQLite checks once in a thousand steps. Returns the size of the arguments, in bytes.
    fn check_deadline(&self, context: &Context<'_>) -> Result<usize> {
        let bytes = (0..context.len())
            .map(|index| match context.get_raw(index) {
                ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes.len(),
                _ => 0,
            })
            .sum();
        if self.is_due() {
            return Err(interrupted());
        }
        Ok(bytes)
    }

    /// Returns the error of a search that failed: because of the request, unless the query's time is up.
    fn search_error(&self, problem: String) -> Error {
        if self.is_due() {
            interrupted()
        } else {
            request_error(problem)
        }
    }

    /// Counts the arguments as held by a list, and ends the query where its time is up or its lists are too large.
    fn hold_arguments(&self, context: &Context<'_>) -> Result<()> {
        let bytes = self.check_deadline(context)? + std::mem::size_of::<MongoValue>();
        if self.listed_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes > MAX_LISTED_BYTES {
            let problem =
                "the lists of this query are larger than 64 MiB; narrow the filter, or add a limit";
            return Err(request_error(problem));
        }
        Ok(())
    }

    /// Counts a number as held for a percentile, and ends the query where its time is up or it holds too much.
    fn hold_number(&self) -> Result<()> {
        if self.is_due() {
            return Err(interrupted());
        }
        if self.held_numbers.fetch_add(1, Ordering::Relaxed) >= MAX_NUMBERS {
            return Err(request_error(format_args!(
                "the medians and percentiles of this query are of more than {MAX_NUMBERS} numbers; narrow the filter"
            )));
        }
        Ok(())
    }

    /// Counts numbers as held no more.
    fn release_numbers(&self, count: usize) {
        self.held_numbers.fetch_sub(count, Ordering::Relaxed);
    }
}

/// Registers every function.
pub(in crate::store) fn register(connection: &Connection, limits: &Arc<Limits>) -> Result<()> {
    let scalar = Registrar { connection, limits };
    let of_query = Arc::clone(limits);
    scalar.add("matches", 2, move |context| {
        let pattern = constant(context, 1, Pattern::new)?;
        match context.get_raw(0) {
            ValueRef::Null => Ok(false),
            value => pattern
                .is_match(value.as_str().map_err(data_error)?, &|| of_query.is_due())
                .map_err(|problem| of_query.search_error(problem)),
        }
    })?;
    let of_query = Arc::clone(limits);
    scalar.add("holds", 2, move |context| {
        let predicate = constant(context, 1, CompiledPredicate::new)?;
        predicate
            .holds(text(context, 0)?, &|| of_query.is_due())
            .map_err(data_error)?
            .map_err(|problem| of_query.search_error(problem))
    })?;
    scalar.add("only", 2, |context| {
        let projection = constant(context, 1, |text| {
            parse_paths(text).map(|paths| Projection::new(&paths))
        })?;
        projection.apply(text(context, 0)?).map_err(data_error)
    })?;
    // NULL has no members.
    scalar.add("sort_value", 3, |context| {
        let keys = constant(context, 1, SortKeys::parse)?;
        let Some(text) = text_or_null(context, 0)? else {
            return Ok(output_param(MISSING_SORT_KEY));
        };
        let key = keys
            .in_document(text, usize::from(context.get::<u16>(2)?))
            .map_err(data_error)?;
        Ok(output_param(key))
    })?;
    scalar.add("gather_at", 2, |context| {
        let path = path(context, 1)?;
        let value = text_or_null(context, 0)?.map(|text| functions::gather_at(text, &path));
        value
            .transpose()
            .map(|value| output(value.flatten()))
            .map_err(data_error)
    })?;
    scalar.add("member_at", 2, |context| {
        let path = path(context, 1)?;
        let value = text_or_null(context, 0)?.map(|text| functions::member_at(text, &path));
        value
            .transpose()
            .map(|value| output(value.flatten()))
            .map_err(data_error)
    })?;
    scalar.add("elements_at", 2, |context| {
        let path = path(context, 1)?;
        let elements = text_or_null(context, 0)?.map(|text| functions::elements_at(text, &path));
        elements
            .transpose()
            .map(Option::flatten)
            .map_err(data_error)
    })?;
    scalar.add("reached", 2, |context| {
        let path = path(context, 1)?;
        let reached = text_or_null(context, 0)?.map(|text| functions::reached(text, &path));
        reached.transpose().map(Option::flatten).map_err(data_error)
    })?;
    register_cell(&scalar)?;
    register_values(&scalar)?;
    aggregate(connection, "sum_numbers", 1, Sums { mean: false })?;
    aggregate(connection, "average_numbers", 1, Sums { mean: true })?;
    aggregate(connection, "first", 1, Edge { last: false })?;
    aggregate(connection, "last", 1, Edge { last: true })?;
    aggregate(
        connection,
        "percentile",
        2,
        Percentiles {
            limits: Arc::clone(limits),
        },
    )?;
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

/// Registers the function that reads rows which were computed without a statement.
fn register_cell(scalar: &Registrar<'_>) -> Result<()> {
    scalar.add("cell", 2, |context| {
        let number = usize::from(context.get::<u16>(1)?);
        let value = cell(text(context, 0)?, number);
        value.map(output_param).map_err(data_error)
    })
}

/// Registers the functions over encoded values ([`crate::query::eval::encoding`]).
fn register_values(scalar: &Registrar<'_>) -> Result<()> {
    scalar.add("gather", 2, |context| {
        let path = path(context, 1)?;
        // A value that is not a BLOB has no members.
        let encoded = context.get_raw(0).as_blob().unwrap_or_default();
        Ok(output(MongoValue::gather_encoded(encoded, &path)))
    })?;
    scalar.add("member", 2, |context| {
        let path = path(context, 1)?;
        Ok(output(
            mongo_value(context, 0)?.and_then(|value| path::member(value, &path)),
        ))
    })?;
    scalar.add("put", 3, |context| {
        let path = path(context, 1)?;
        let (whole, part) = (mongo_value(context, 0)?, mongo_value(context, 2)?);
        Ok(output(match (whole, part) {
            (Some(whole), Some(part)) => Some(path::put(whole, &path, part)),
            (whole, _) => whole,
        }))
    })?;
    scalar.add("explode", 1, |context| {
        Ok(functions::explode(mongo_value(context, 0)?))
    })?;
    scalar.add("sort_key", 3, |context| {
        let keys = constant(context, 1, SortKeys::parse)?;
        let number = usize::from(context.get::<u16>(2)?);
        Ok(output_param(match mongo_value(context, 0)? {
            Some(value) => keys.below(&value, number),
            None => MISSING_SORT_KEY,
        }))
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
        let format = constant(context, 1, DateFormat::new)?;
        let time = context
            .get::<Option<i64>>(0)?
            .and_then(Timestamp::from_millis);
        Ok(output(time.map(|time| format.format(time))))
    })?;
    scalar.add("any_date_text", 3, |context| {
        let format = constant(context, 1, DateFormat::new)?;
        match mongo_value(context, 0)? {
            None | Some(MongoValue::Null) => Ok(output(None)),
            Some(MongoValue::Time(time)) => Ok(output(Some(format.format(time)))),
            Some(other) => Err(request_error(functions::not_a_date(
                &other,
                text(context, 2)?,
            ))),
        }
    })?;
    scalar.add("size_of", 2, |context| {
        functions::size_of(mongo_value(context, 0)?, text(context, 1)?)
            .map(|value| output(Some(value)))
            .map_err(request_error)
    })?;
    scalar.add("sum_of", 1, |context| {
        Ok(output(Some(arithmetic::sum_of(mongo_value(context, 0)?))))
    })?;
    scalar.add("array_to_object", 2, |context| {
        functions::array_to_object(mongo_value(context, 0)?, text(context, 1)?)
            .map(|value| output(Some(value)))
            .map_err(request_error)
    })?;
    scalar.add("object_to_array", 2, |context| {
        functions::object_to_array(mongo_value(context, 0)?, text(context, 1)?)
            .map(|value| output(Some(value)))
            .map_err(request_error)
    })?;
    scalar.add("object_of", -1, |context| {
        let names = path(context, 0)?;
        let mut object = Encoded::object();
        for (index, name) in names.iter().enumerate() {
            object.insert(name, &param(context.get_raw(index + 1))?);
            if object.size() > MAX_VALUE_BYTES {
                return Err(request_error("a pushed object is larger than 16 MiB"));
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
            calculation.ok_or_else(|| request_error(format_args!("unknown calculation {name}")))?;
        let values = (2..context.len())
            .map(|index| mongo_value(context, index))
            .collect::<Result<Vec<_>>>()?;
        arithmetic::calculate(calculation, text(context, 1)?, &values)
            .map(|value| output(Some(value)))
            .map_err(request_error)
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
                limits.check_deadline(context)?;
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
        if let Some(value) = mongo_value(context, 0)? {
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

/// `percentile`: of the numbers, which it holds until the group ends; the second argument has the thousandths of the percent.
struct Percentiles {
    limits: Arc<Limits>,
}

impl Aggregate<(Numbers, Option<Percent>), ToSqlOutput<'static>> for Percentiles {
    fn init(&self, _: &mut Context<'_>) -> Result<(Numbers, Option<Percent>)> {
        Ok((Numbers::default(), None))
    }
    fn step(
        &self,
        context: &mut Context<'_>,
        (numbers, percent): &mut (Numbers, Option<Percent>),
    ) -> Result<()> {
        *percent = Percent::from_thousandths(context.get(1)?);
        let number = match context.get_raw(0) {
            ValueRef::Integer(integer) => arithmetic::Number::Integer(integer),
            ValueRef::Real(real) => arithmetic::Number::Real(real),
            _ => return Ok(()),
        };
        self.limits.hold_number()?;
        numbers.add(number);
        Ok(())
    }
    fn finalize(
        &self,
        _: &mut Context<'_>,
        group: Option<(Numbers, Option<Percent>)>,
    ) -> Result<ToSqlOutput<'static>> {
        let (mut numbers, percent) = group.unwrap_or_default();
        self.limits.release_numbers(numbers.len());
        let number = percent.and_then(|percent| numbers.percentile(percent));
        Ok(output(number.map(MongoValue::from)))
    }
}

/// `first` and `last`, in the order of the rows.
struct Edge {
    last: bool,
}

impl Aggregate<Option<Param>, ToSqlOutput<'static>> for Edge {
    fn init(&self, _: &mut Context<'_>) -> Result<Option<Param>> {
        Ok(None)
    }
    fn step(&self, context: &mut Context<'_>, value: &mut Option<Param>) -> Result<()> {
        if self.last || value.is_none() {
            *value = Some(param(context.get_raw(0))?);
        }
        Ok(())
    }
    fn finalize(
        &self,
        _: &mut Context<'_>,
        value: Option<Option<Param>>,
    ) -> Result<ToSqlOutput<'static>> {
        Ok(value.flatten().map_or_else(|| output(None), output_param))
    }
}

/// `push`: the values as a list, without NULLs.
struct Push {
    limits: Arc<Limits>,
}

impl Aggregate<Encoded, ToSqlOutput<'static>> for Push {
    fn init(&self, _: &mut Context<'_>) -> Result<Encoded> {
        Ok(Encoded::list())
    }
    fn step(&self, context: &mut Context<'_>, list: &mut Encoded) -> Result<()> {
        self.limits.hold_arguments(context)?;
        list.push(&param(context.get_raw(0))?);
        Ok(())
    }
    fn finalize(&self, _: &mut Context<'_>, list: Option<Encoded>) -> Result<ToSqlOutput<'static>> {
        Ok(output_param(
            list.unwrap_or_else(Encoded::list).into_param(),
        ))
    }
}

/// `merge_objects`, in the order of the rows.
struct Merge {
    limits: Arc<Limits>,
}

impl Aggregate<functions::Members, ToSqlOutput<'static>> for Merge {
    fn init(&self, _: &mut Context<'_>) -> Result<functions::Members> {
        Ok(functions::Members::default())
    }
    fn step(&self, context: &mut Context<'_>, merged: &mut functions::Members) -> Result<()> {
        self.limits.hold_arguments(context)?;
        let value = mongo_value(context, 0)?;
        merged
            .merge(value, text(context, 1)?)
            .map_err(request_error)
    }
    fn finalize(
        &self,
        _: &mut Context<'_>,
        merged: Option<functions::Members>,
    ) -> Result<ToSqlOutput<'static>> {
        Ok(output(Some(merged.unwrap_or_default().into_value())))
    }
}
