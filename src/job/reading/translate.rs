//! `Translator`: makes the members that people and programs write those that the strict reader takes.

use serde_json::{Map, Value};

use super::collector::{self, leave_out_empty, rename};
use super::extended_json;
use super::field_path::FieldPath;
use super::findings::Findings;
use super::member::{ERROR_MEMBERS, Kind, MEMBERS, Meaning, meaning};
use super::scalar::{Generation, Translated, integer, status, time};
use super::translation::Translation;
use crate::json::names::unknown;

/// Whether members may be removed by a null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A whole job: a null is as good as no member.
    Document,
    /// A merge patch: a null removes a member, and an empty text is none of its values.
    Patch,
}

/// The members of a job, as the strict reader takes them, and what made them so.
#[derive(Debug)]
pub(super) struct Translator {
    purpose: Purpose,
    generation: Generation,
    pub(super) members: Map<String, Value>,
    pub(super) findings: Findings,
}

impl Translator {
    /// Translates the members of a document.
    pub(super) fn translate(members: Map<String, Value>, purpose: Purpose) -> Self {
        let mut translator = Self {
            purpose,
            generation: Generation::of(&members),
            findings: Findings::new(purpose == Purpose::Document && has_defaults(&members)),
            members: Map::new(),
        };
        let members = translator.plain_values(members);
        let mut ids = Vec::new();
        for (name, value) in members {
            match meaning(&name) {
                Some((Meaning::Member(member, kind), renamed)) => {
                    translator.member(&name, member, kind, renamed, value);
                }
                Some((Meaning::CollectorId, _)) => ids.push(("collector_id", name, value)),
                Some((Meaning::PluginId, _)) => ids.push(("plugin_id", name, value)),
                Some((Meaning::Collector, _)) => translator.collector(&name, value),
                Some((Meaning::LeftOut(translation), _)) => translator.findings.note(translation),
                None => {
                    let known = MEMBERS.map(|(member, _)| member);
                    translator
                        .findings
                        .wrong_name(FieldPath::of(&[&name]), || unknown("field", &name, &known));
                }
            }
        }
        for (id, name, value) in ids {
            translator.collector_member(id, &name, value);
        }
        translator
    }

    /// Reads Extended JSON, in a document that has some of it outside of its free-form members.
    fn plain_values(&mut self, mut members: Map<String, Value>) -> Map<String, Value> {
        if !members.values().any(extended_json::is_extended) {
            return members;
        }
        self.findings.note(Translation::ExtendedJson);
        for (name, value) in &mut members {
            let findings = &mut self.findings;
            extended_json::unwrap(value, &mut FieldPath::of(&[name]), &mut |path, problem| {
                findings.wrong(path, problem);
            });
        }
        members
    }

    /// Translates a member, which was written under `written`.
    fn member(
        &mut self,
        written: &str,
        member: &'static str,
        kind: Kind,
        renamed: Option<Translation>,
        value: Value,
    ) {
        let path = FieldPath::of(&[written]);
        if let Some(translation) = renamed {
            self.findings.note(translation);
            self.findings.moved(FieldPath::of(&[member]), path.clone());
        }
        if self.members.contains_key(member) {
            return self.findings.twice(path, member);
        }
        if value.is_null() {
            if self.purpose == Purpose::Patch {
                self.members.insert(member.to_owned(), value);
            }
            return;
        }
        let translated = match kind {
            Kind::Status => status(&value, self.generation),
            Kind::Integer => integer(&value),
            Kind::Time => time(&value),
            Kind::Text if value.as_str() == Some("") => Translated::LeftOut,
            Kind::Object | Kind::Errors | Kind::CollectorInfo if is_empty(&value, kind) => {
                Translated::LeftOut
            }
            Kind::Text | Kind::Object | Kind::Life => Translated::Same,
            Kind::Errors => {
                let value = self.errors(&path, value);
                self.members.insert(member.to_owned(), value);
                return;
            }
            Kind::CollectorInfo => {
                let value = self.collector_info(&path, value);
                self.members.insert(member.to_owned(), value);
                return;
            }
        };
        let value = match translated {
            Translated::Same => value,
            Translated::Value(value, translation) => {
                self.findings.note(translation);
                value
            }
            Translated::LeftOut if self.purpose == Purpose::Patch => {
                let problem = "is empty; null removes the member".to_owned();
                return self.findings.wrong(path, problem);
            }
            Translated::LeftOut => return self.findings.note(Translation::EmptyValues),
            Translated::Wrong(problem) => return self.findings.wrong(path, problem),
        };
        self.members.insert(member.to_owned(), value);
    }

    /// Translates the names within errors.
    fn errors(&mut self, written: &FieldPath, mut value: Value) -> Value {
        let path = FieldPath::of(&["errors"]);
        let errors = value.as_array_mut().into_iter().flatten();
        for (index, error) in errors.enumerate() {
            let Value::Object(members) = error else {
                continue;
            };
            let (path, written) = (path.element(index), written.element(index));
            rename(members, &ERROR_MEMBERS, &path, &written, &mut self.findings);
            leave_out_empty(members, &ERROR_MEMBERS, &mut self.findings);
            members.retain(|name, _| {
                let is_known = ERROR_MEMBERS.contains(&name.as_str());
                if !is_known {
                    self.findings.wrong_name(written.member(name), || {
                        unknown("field", name, &ERROR_MEMBERS)
                    });
                }
                is_known
            });
        }
        value
    }

    fn collector_info(&mut self, written: &FieldPath, mut value: Value) -> Value {
        if let Value::Object(members) = &mut value {
            let path = FieldPath::of(&["collector_info"]);
            collector::translate(members, &path, written, &mut self.findings);
        }
        value
    }

    /// Reads `collector` as `collector_info`, unless it is a reference to a document of MongoDB.
    fn collector(&mut self, name: &str, value: Value) {
        let is_reference = match &value {
            Value::Object(members) => extended_json::is_reference(members),
            Value::String(key) => {
                key.len() == 24 && key.bytes().all(|byte| byte.is_ascii_hexdigit())
            }
            _ => false,
        };
        if is_reference {
            self.findings.note(Translation::CollectorReference);
        } else {
            let renamed = Some(Translation::CollectorName);
            self.member(name, "collector_info", Kind::CollectorInfo, renamed, value);
        }
    }

    /// Moves `collector_id` or `plugin_id` into `collector_info`.
    fn collector_member(&mut self, id: &'static str, written: &str, value: Value) {
        let path = FieldPath::of(&[written]);
        if value.is_null() && self.purpose == Purpose::Document {
            return;
        }
        if value.as_str() == Some("") && self.purpose == Purpose::Document {
            return self.findings.note(Translation::EmptyValues);
        }
        self.findings.note(Translation::CollectorMembers);
        if written != id {
            self.findings.note(Translation::CamelCase);
        }
        let has_null = self
            .members
            .get("collector_info")
            .is_some_and(Value::is_null);
        if has_null && self.purpose == Purpose::Patch {
            let problem =
                "`collector_info` is null in the same patch; remove it in a patch of its own";
            return self.findings.wrong(path, problem.to_owned());
        }
        let parents: &[&str] = match id {
            "collector_id" => &["collector_info"],
            _ => &["collector_info", "plugin_info"],
        };
        let mut members = &mut self.members;
        for parent in parents {
            let parent = members
                .entry(*parent)
                .and_modify(|parent| {
                    if parent.is_null() {
                        *parent = Value::Object(Map::new());
                    }
                })
                .or_insert_with(|| Value::Object(Map::new()));
            match parent {
                Value::Object(parent) => members = parent,
                // The strict reader refuses it.
                _ => return,
            }
        }
        match members.get(id) {
            Some(present) if !present.is_null() && *present != value => {
                let problem = format!(
                    "is {value} here and {present} in `{}`; they must agree",
                    parents.join(".")
                );
                self.findings.wrong(path, problem);
            }
            Some(Value::Null) | None => {
                members.shift_insert(0, id.to_owned(), value);
                let mut names = parents.to_vec();
                names.push(id);
                self.findings.moved(FieldPath::of(&names), path);
            }
            Some(_) => {}
        }
    }
}

/// Returns whether a value stands for an object or a list without members: an empty text, or an empty list for an object.
fn is_empty(value: &Value, kind: Kind) -> bool {
    match value {
        Value::String(text) => text.is_empty(),
        Value::Array(elements) => elements.is_empty() && kind != Kind::Errors,
        _ => false,
    }
}

/// Returns whether a document has names in camelCase, or the emitted defaults of protobuf: an empty text or a status of
/// none among its own members.
fn has_defaults(members: &Map<String, Value>) -> bool {
    members.iter().any(|(name, value)| match meaning(name) {
        Some((_, Some(Translation::CamelCase))) => true,
        Some((Meaning::Member(_, Kind::Status), _)) => {
            matches!(value.as_str(), Some("NONE" | "JOB_STATE_NONE"))
        }
        Some((Meaning::LeftOut(_), _)) | None => false,
        Some(_) => value.as_str() == Some(""),
    })
}
