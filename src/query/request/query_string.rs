//! Query strings: pairs of dotted names and texts become the JSON body of a search.
//!
//! Rule: proto's HTTP transcoding (`google.api.http`), as in SpaceONE's gateway.

use serde_json::{Map, Value};

use crate::json::message::parse_boolean;
use crate::json::names::{shortened, unknown};
use crate::query::error::QueryError;
use crate::query::request::bracketed::{Node, Step, steps};
use crate::query::request::list::JobsQuery;
use crate::query::request::parameters::{Kind, PARAMETERS, Parameter, boolean};
use crate::query::request::spellings::Spellings;

/// The lists of objects, which have a form in a query string only with brackets.
const LISTS_OF_OBJECTS: [&str; 4] = [
    "query.filter",
    "query.filter_or",
    "query.sort",
    "query.sort.keys",
];

impl JobsQuery {
    /// Reads the decoded pairs of a query string, as proto's HTTP transcoding does.
    ///
    /// Nested members have dots, or brackets as qs, axios and jQuery write them. `query` itself may be the whole Query as JSON.
    ///
    /// # Errors
    /// [`QueryError`] for the first problem.
    pub fn from_pairs<'p>(
        pairs: impl IntoIterator<Item = (&'p str, &'p str)>,
    ) -> Result<Self, QueryError> {
        Self::from_pairs_beside(&[], pairs)
    }

    /// The same of a route with parameters of its own, which an error about an unknown name has to know.
    ///
    /// # Errors
    /// [`QueryError`] for the first problem.
    pub fn from_pairs_beside<'p>(
        others: &'static [&'static str],
        pairs: impl IntoIterator<Item = (&'p str, &'p str)>,
    ) -> Result<Self, QueryError> {
        let mut reading = Reading {
            others,
            ..Reading::default()
        };
        for (name, text) in pairs {
            reading.add(name, text)?;
        }
        let (value, spellings) = reading.finish()?;
        let mut query = Self::from_tree(value.into()).map_err(|error| spellings.respelt(error))?;
        query.spellings = spellings;
        Ok(query)
    }
}

/// The body that a query string stands for, as far as it was read.
#[derive(Default)]
struct Reading {
    /// The parameters of the route that are not of a list.
    others: &'static [&'static str],
    root: Map<String, Value>,
    /// What has brackets and is a list, by its location, with the name of its first parameter.
    lists: Vec<(String, String, Node)>,
    spellings: Spellings,
}

impl Reading {
    /// Adds a parameter.
    fn add(&mut self, spelt: &str, text: &str) -> Result<(), QueryError> {
        let problem = |problem: String| QueryError::Parameter {
            location: shortened(spelt),
            problem,
        };
        // Most names are written as they are known, and need not be taken apart.
        if let Some(parameter) = parameter_of(spelt) {
            return self.put_text(parameter, text).map_err(problem);
        }
        let steps = steps(spelt).map_err(problem)?;
        let is_member = |step: &&Step<'_>| matches!(step, Step::Member(_));
        let members = steps.iter().take_while(is_member).count();
        let (members, within) = steps.split_at(members);
        let members: Vec<_> = members.iter().filter_map(Step::member).collect();
        let name = snake_case(&members.join("."));
        if spelt.contains('[') {
            let location = location(&members.join("."), within);
            self.spellings.add(location, shortened(spelt));
        }
        match (parameter_of(&name), within) {
            (Some(parameter), []) => self.put_text(parameter, text).map_err(problem),
            (
                Some(Parameter {
                    kind: Kind::Paths, ..
                }),
                [Step::Next | Step::Item(_)],
            ) => self
                .put_item(name, spelt, within, text.into())
                .map_err(problem),
            (Some(_), _) => Err(problem(
                "takes one value, and no list or members".to_owned(),
            )),
            (None, [Step::Item(_) | Step::Next, ..])
                if LISTS_OF_OBJECTS.contains(&name.as_str()) =>
            {
                let value = match within.last() {
                    Some(Step::Member("desc")) => boolean(text).map_err(problem)?,
                    _ => text.into(),
                };
                self.put_item(name, spelt, within, value).map_err(problem)
            }
            (None, _) => Err(problem(unknown_parameter(&name, self.others))),
        }
    }

    /// Reads the text of a parameter, and puts the value into the message.
    fn put_text(&mut self, parameter: &Parameter, text: &str) -> Result<(), String> {
        if let Kind::Paths = parameter.kind {
            self.refuse_lists(parameter.name)?;
        }
        self.put(parameter.name, parameter.kind.read(text)?)
    }

    /// Puts a value among the members of the message.
    fn put(&mut self, name: &str, value: Value) -> Result<(), String> {
        let (parents, last) = name.rsplit_once('.').unwrap_or(("", name));
        let mut object = &mut self.root;
        for parent in parents.split_terminator('.') {
            let inner = object
                .entry(parent)
                .or_insert_with(|| Value::Object(Map::new()));
            object = inner
                .as_object_mut()
                .ok_or("can't be given together with `query` as JSON, unless that is an object")?;
        }
        match (object.get_mut(last), value) {
            (None, value) => {
                object.insert(last.to_owned(), value);
            }
            (Some(Value::Array(items)), Value::Array(more)) => items.extend(more),
            _ => return Err("given twice, or also in `query` as JSON".to_owned()),
        }
        Ok(())
    }

    /// Adds a value within a list.
    fn put_item(
        &mut self,
        name: String,
        spelt: &str,
        within: &[Step<'_>],
        value: Value,
    ) -> Result<(), String> {
        let mut lists = self.lists.iter_mut();
        if let Some((.., node)) = lists.find(|(known, ..)| *known == name) {
            return node.insert(within, spelt, value);
        }
        let mut node = Node::default();
        node.insert(within, spelt, value)?;
        self.lists.push((name, shortened(spelt), node));
        Ok(())
    }

    /// Refuses a list that is also written with brackets.
    fn refuse_lists(&self, name: &str) -> Result<(), String> {
        let mut lists = self.lists.iter();
        match lists.find(|(known, ..)| known == name) {
            None => Ok(()),
            Some((_, spelt, _)) => Err(format!(
                "is given as `{spelt}` as well; write all items in one form"
            )),
        }
    }

    /// Returns the body, and how parameters with brackets were written.
    fn finish(mut self) -> Result<(Value, Spellings), QueryError> {
        for (name, spelt, node) in std::mem::take(&mut self.lists) {
            let parameter =
                |location: String, problem: String| QueryError::Parameter { location, problem };
            let mut value = node.into_value().map_err(|written| {
                let problem = "the items before it are missing; the first one has number 0";
                parameter(shortened(&written), problem.to_owned())
            })?;
            for condition in value.as_array_mut().into_iter().flatten() {
                read_boolean_operand(condition);
            }
            if self.has(&name) {
                let problem = "is given without brackets, or in `query` as JSON, as well";
                return Err(parameter(spelt, problem.to_owned()));
            }
            self.put(&name, value)
                .map_err(|problem| parameter(spelt, problem))?;
        }
        Ok((Value::Object(self.root), self.spellings))
    }

    /// Returns whether a member is given.
    fn has(&self, name: &str) -> bool {
        let mut members = name.split('.');
        let first = members.next().and_then(|first| self.root.get(first));
        members
            .try_fold(first, |value, member| value.map(|value| value.get(member)))
            .flatten()
            .is_some()
    }
}

/// Returns the parameter of a name.
fn parameter_of(name: &str) -> Option<&'static Parameter> {
    PARAMETERS.iter().find(|parameter| parameter.name == name)
}

/// Writes the location of a value, as errors have it.
fn location(root: &str, within: &[Step<'_>]) -> String {
    within
        .iter()
        .fold(root.to_owned(), |location, step| match step {
            Step::Member(name) => format!("{location}.{name}"),
            Step::Item(index) => format!("{location}[{index}]"),
            // Which one is not known.
            Step::Next => location,
        })
}

/// Reads the value of `exists`, the only operator that takes a boolean.
fn read_boolean_operand(condition: &mut Value) {
    let Some(members) = condition.as_object_mut() else {
        return;
    };
    let is_exists = ["o", "operator"]
        .iter()
        .any(|name| members.get(*name).and_then(Value::as_str) == Some("exists"));
    for name in ["v", "value"] {
        let Some(value) = members.get_mut(name).filter(|_| is_exists) else {
            continue;
        };
        if let Some(boolean) = value.as_str().and_then(parse_boolean) {
            *value = Value::Bool(boolean);
        }
    }
}

fn unknown_parameter(name: &str, others: &[&str]) -> String {
    let body_only = ["query.filter", "query.filter_or", "query.sort.keys"];
    if body_only.iter().any(|message| name.starts_with(message)) {
        return "has no form with dots; write `query[filter][0][k]`, or give the whole `query` as JSON"
            .to_owned();
    }
    let known = PARAMETERS.iter().map(|parameter| parameter.name);
    let known: Vec<_> = known.chain(others.iter().copied()).collect();
    unknown("parameter", name, &known)
}

fn snake_case(name: &str) -> String {
    name.chars()
        .fold(String::with_capacity(name.len()), |mut snake, letter| {
            if letter.is_ascii_uppercase() {
                snake.push('_');
            }
            snake.push(letter.to_ascii_lowercase());
            snake
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let pairs: Vec<_> = form_urlencoded::parse(text.as_bytes()).collect();
        let mut reading = Reading::default();
        let read = pairs
            .iter()
            .try_for_each(|(name, text)| reading.add(name, text));
        let value = read.and_then(|()| reading.finish());
        assert_eq!(
            value.map_or_else(|error| error.to_string(), |(value, _)| value.to_string()),
            expected,
            "{text}"
        );
    }

    #[test]
    fn brackets_are_read_as_clients_write_them() {
        for (text, expected) in [
            // axios and jQuery, of `{'query.only': ['a', 'b']}`.
            (
                "query.only[]=a&query.only[]=b",
                r#"{"query":{"only":["a","b"]}}"#,
            ),
            (
                "query.only%5B%5D=a&query.only%5B%5D=b",
                r#"{"query":{"only":["a","b"]}}"#,
            ),
            // qs, of `{query: {only: ['a', 'b'], page: {limit: 10}, countOnly: true}}`.
            (
                "query[only][0]=a&query[only][1]=b&query[page][limit]=10&query[countOnly]=true",
                r#"{"query":{"page":{"limit":"10"},"count_only":true,"only":["a","b"]}}"#,
            ),
            (
                "query[only][1]=b&query[only][0]=a",
                r#"{"query":{"only":["a","b"]}}"#,
            ),
            (
                "query[only]=a&query[only]=b",
                r#"{"query":{"only":["a","b"]}}"#,
            ),
            (
                "query[sort][key]=a&query[sort][desc]=True",
                r#"{"query":{"sort":{"key":"a","desc":true}}}"#,
            ),
            (
                "query[sort][0][key]=a&query[sort][0][desc]=1&query[sort][1][key]=b",
                r#"{"query":{"sort":[{"key":"a","desc":true},{"key":"b"}]}}"#,
            ),
            (
                "query[filter][0][k]=status&query[filter][0][v][]=A&query[filter][0][v][]=B&query[filter][0][o]=in",
                r#"{"query":{"filter":[{"k":"status","v":["A","B"],"o":"in"}]}}"#,
            ),
            (
                "query.filter[0].key=a&query.filter[0].value[0]=1&query.filter[0].operator=in",
                r#"{"query":{"filter":[{"key":"a","value":["1"],"operator":"in"}]}}"#,
            ),
            (
                "query[filterOr][0][k]=a&query[filterOr][0][v]=false&query[filterOr][0][o]=exists",
                r#"{"query":{"filter_or":[{"k":"a","v":false,"o":"exists"}]}}"#,
            ),
            (
                "query={\"keyword\":\"x\"}&query[page][limit]=1&query[filter][0][k]=a",
                r#"{"query":{"keyword":"x","page":{"limit":"1"},"filter":[{"k":"a"}]}}"#,
            ),
        ] {
            check(text, expected);
        }
    }

    #[test]
    fn brackets_that_contradict_each_other_are_refused() {
        for (text, expected) in [
            (
                "domain_id[]=d",
                "domain_id[]: takes one value, and no list or members",
            ),
            (
                "query[page][limit][0]=1",
                "query[page][limit][0]: takes one value, and no list or members",
            ),
            (
                "query.only=a&query.only[]=b",
                "query.only[]: is given without brackets, or in `query` as JSON, as well",
            ),
            (
                "query.only[]=a&query.only=b",
                "query.only: is given as `query.only[]` as well; write all items in one form",
            ),
            (
                "query[only][]=a&query[only][0]=b",
                "query[only][0]: is given in another form as well; write all of it in one",
            ),
            (
                "query[only][0]=a&query[only][0]=b",
                "query[only][0]: given twice",
            ),
            (
                "query[only][0]=a&query[only][2]=b",
                "query[only][2]: the items before it are missing; the first one has number 0",
            ),
            (
                "query[only][a]=b",
                "query[only][a]: unknown parameter `query.only.a`; did you mean `query.only`?",
            ),
            (
                "query[filter][][k]=a",
                "query[filter][][k]: has a list without numbers; write `[0]` for its first item",
            ),
            (
                "query[filter][k]=a",
                "query[filter][k]: has no form with dots; write `query[filter][0][k]`, or give the whole `query` as JSON",
            ),
            (
                "query[filter][0]=a&query[filter][0][k]=a",
                "query[filter][0][k]: is given in another form as well; write all of it in one",
            ),
            (
                "query={\"filter\":[]}&query[filter][0][k]=a",
                "query[filter][0][k]: is given without brackets, or in `query` as JSON, as well",
            ),
            (
                "query[sort][key]=a&query[sort][0][key]=b",
                "query[sort][0][key]: is given without brackets, or in `query` as JSON, as well",
            ),
            (
                "query[page[limit]=1",
                "query[page[limit]: unknown parameter `query.page[limit`; did you mean `query.page.limit`?",
            ),
            (
                "query[page",
                "query[page: has a bracket without its counterpart",
            ),
            (
                "query[page]limit=1",
                "query[page]limit: has a bracket without its counterpart",
            ),
            (
                "query[a][b][c][d][e][f][g][h]=1",
                "query[a][b][c][d][e][f][g][h]: is nested more than 8 deep",
            ),
        ] {
            check(text, expected);
        }
    }

    #[test]
    fn an_error_has_the_parameter_as_it_was_written() {
        for (text, expected) in [
            (
                "domain_id=d&query[page][limit]=x",
                "query[page][limit]: expected an integer, found a string",
            ),
            (
                "domain_id=d&query[filter][0][k]=a&query[filter][0][o]=eqq&query[filter][0][v]=1",
                "query[filter][0][o]: unknown operator `eqq`; did you mean `eq`?",
            ),
        ] {
            let pairs: Vec<_> = form_urlencoded::parse(text.as_bytes()).collect();
            let pairs = pairs.iter().map(|(name, value)| (&**name, &**value));
            let error = JobsQuery::from_pairs(pairs).unwrap_err();
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn a_query_string_becomes_the_body() {
        for (text, expected) in [
            (
                "domain_id=d&status=5&query.page.limit=30&query.sort.key=a&query.sort.desc=true",
                r#"{"domain_id":"d","status":5,"query":{"page":{"limit":"30"},"sort":{"key":"a","desc":true}}}"#,
            ),
            (
                "domainId=d&query.countOnly=true",
                r#"{"domain_id":"d","query":{"count_only":true}}"#,
            ),
            (
                "query.only=a&query.only=b",
                r#"{"query":{"only":["a","b"]}}"#,
            ),
            (
                "query=%7B%22filter%22%3A%5B%5D%7D&query.keyword=x",
                r#"{"query":{"filter":[],"keyword":"x"}}"#,
            ),
            (
                "job_id=a&job_id=b",
                "job_id: given twice, or also in `query` as JSON",
            ),
            (
                "query=%5B%5D&query.keyword=x",
                "query.keyword: can't be given together with `query` as JSON, unless that is an object",
            ),
            (
                "query.filter.k=a",
                "query.filter.k: has no form with dots; write `query[filter][0][k]`, or give the whole `query` as JSON",
            ),
            (
                "query.minimal=True&query.count_only=0&query.sort.desc=T",
                r#"{"query":{"minimal":true,"count_only":false,"sort":{"desc":true}}}"#,
            ),
            (
                "query.minimal=yes",
                "query.minimal: expected true or false, found `yes`",
            ),
            (
                "domain=d",
                "domain: unknown parameter `domain`; did you mean `domain_id`?",
            ),
            (
                "query=%7B",
                "query: is not JSON: EOF while parsing an object at line 1 column 1",
            ),
            (
                "query=%7B%22page%22%3A1%2C%22page%22%3A2%7D",
                "query: duplicate field `page` at line 1 column 19",
            ),
        ] {
            check(text, expected);
        }
    }
}
