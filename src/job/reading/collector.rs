//! Translates `collector_info`: names in camelCase, emitted defaults, and the numbers of its enums.

use serde_json::{Map, Value};

use super::field_path::FieldPath;
use super::findings::Findings;
use super::member::{
    COLLECTOR_MEMBERS, COLLECTOR_TEXTS, PLUGIN_MEMBERS, PLUGIN_TEXTS, camel_case_of,
};
use super::translation::Translation;

/// The states of a collector, by number (enum `CollectorState` of SpaceONE's API).
const STATES: [&str; 3] = ["NONE", "ENABLED", "DISABLED"];
/// The upgrade modes of a plugin, by number (enum `UpgradeMode`).
const UPGRADE_MODES: [&str; 3] = ["NONE", "MANUAL", "AUTO"];

/// Translates a collector, which is at `path` in the document and was written at `written`.
pub(super) fn translate(
    members: &mut Map<String, Value>,
    path: &FieldPath,
    written: &FieldPath,
    findings: &mut Findings,
) {
    rename(members, &COLLECTOR_MEMBERS, path, written, findings);
    read_enum(members, "state", &STATES, findings);
    leave_out_empty(members, &COLLECTOR_TEXTS, findings);
    if let Some(Value::Object(plugin)) = members.get_mut("plugin_info") {
        let path = path.member("plugin_info");
        let written = findings.written(&path);
        rename(plugin, &PLUGIN_MEMBERS, &path, &written, findings);
        read_enum(plugin, "upgrade_mode", &UPGRADE_MODES, findings);
        leave_out_empty(plugin, &PLUGIN_TEXTS, findings);
    }
}

/// Gives members in camelCase their names; their order stays.
pub(super) fn rename(
    members: &mut Map<String, Value>,
    names: &[&'static str],
    path: &FieldPath,
    written: &FieldPath,
    findings: &mut Findings,
) {
    if !members
        .keys()
        .any(|name| camel_case_of(name, names).is_some())
    {
        return;
    }
    for (name, value) in std::mem::take(members) {
        let known = camel_case_of(&name, names);
        if members.contains_key(known.unwrap_or(&name)) {
            findings.twice(written.member(&name), known.unwrap_or(&name));
            continue;
        }
        if let Some(known) = known {
            findings.note(Translation::CamelCase);
            findings.moved(path.member(known), written.member(&name));
        }
        members.insert(known.map_or(name, str::to_owned), value);
    }
}

/// Reads the number of an enum as its name, and its first value as left out.
fn read_enum(
    members: &mut Map<String, Value>,
    name: &str,
    names: &[&str],
    findings: &mut Findings,
) {
    let Some(value) = members.get_mut(name) else {
        return;
    };
    let index = value.as_u64().and_then(|index| usize::try_from(index).ok());
    if let Some(known) = index.and_then(|index| names.get(index)) {
        *value = Value::from(*known);
        findings.note(Translation::EnumNumber);
    }
    if findings.has_defaults && value.as_str() == names.first().copied() {
        members.shift_remove(name);
    }
}

/// Leaves out empty texts, where a document has the emitted defaults of protobuf.
pub(super) fn leave_out_empty(
    members: &mut Map<String, Value>,
    names: &[&str],
    findings: &mut Findings,
) {
    if !findings.has_defaults {
        return;
    }
    members.retain(|name, value| {
        let is_empty = value.as_str() == Some("") && names.contains(&name.as_str());
        if is_empty {
            findings.note(Translation::EmptyValues);
        }
        !is_empty
    });
}
