//! The members of a job, and the other names under which SpaceONE and its tools write them.

use super::translation::Translation;

/// What a member holds, as far as a translation must know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Status,
    Integer,
    Time,
    Object,
    Errors,
    CollectorInfo,
    /// A script, which is of jobdeck alone.
    Life,
}

/// Every member of a draft.
pub(super) const MEMBERS: [(&str, Kind); 20] = [
    ("job_id", Kind::Text),
    ("status", Kind::Status),
    ("filter", Kind::Object),
    ("total_tasks", Kind::Integer),
    ("remained_tasks", Kind::Integer),
    ("success_tasks", Kind::Integer),
    ("failure_tasks", Kind::Integer),
    ("errors", Kind::Errors),
    ("collector_info", Kind::CollectorInfo),
    ("project_id", Kind::Text),
    ("domain_id", Kind::Text),
    ("workspace_id", Kind::Text),
    ("resource_group", Kind::Text),
    ("secret_id", Kind::Text),
    ("request_secret_id", Kind::Text),
    ("request_workspace_id", Kind::Text),
    ("created_at", Kind::Time),
    ("updated_at", Kind::Time),
    ("finished_at", Kind::Time),
    ("life", Kind::Life),
];

/// The members of an error.
pub(super) const ERROR_MEMBERS: [&str; 3] = ["error_code", "message", "additional"];

/// The members of a collector of SpaceONE that have a name of several words (message `CollectorInfo` of its API).
pub(super) const COLLECTOR_MEMBERS: [&str; 7] = [
    "collector_id",
    "plugin_info",
    "created_at",
    "last_collected_at",
    "domain_id",
    "is_public",
    "project_id",
];

/// The members of a collector that hold text.
pub(super) const COLLECTOR_TEXTS: [&str; 5] = [
    "collector_id",
    "name",
    "provider",
    "project_id",
    "domain_id",
];

/// The members of a plugin that have a name of several words (message `PluginInfo`).
pub(super) const PLUGIN_MEMBERS: [&str; 5] = [
    "plugin_id",
    "secret_id",
    "secret_group_id",
    "service_account_id",
    "upgrade_mode",
];

/// The members of a plugin that hold text.
pub(super) const PLUGIN_TEXTS: [&str; 6] = [
    "plugin_id",
    "version",
    "provider",
    "secret_id",
    "secret_group_id",
    "service_account_id",
];

/// What a name in a document means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    Member(&'static str, Kind),
    /// `collector_id` of today's SpaceONE, which becomes a member of `collector_info`.
    CollectorId,
    /// `plugin_id` of today's SpaceONE, which becomes a member of its `plugin_info`.
    PluginId,
    /// `collector` of the database: a reference, or what `collector_info` is.
    Collector,
    /// A member that is left out.
    LeftOut(Translation),
}

/// Returns what a name means, and the translation if the name is not that of a document.
pub(super) fn meaning(name: &str) -> Option<(Meaning, Option<Translation>)> {
    let snake = to_snake_case(name);
    let case = (snake != name).then_some(Translation::CamelCase);
    let member = MEMBERS.iter().find(|(member, _)| *member == snake);
    if let Some((member, kind)) = member {
        return Some((Meaning::Member(member, *kind), case));
    }
    let (meaning, translation) = match snake.as_str() {
        "collector_id" => (Meaning::CollectorId, Some(Translation::CollectorMembers)),
        "plugin_id" => (Meaning::PluginId, Some(Translation::CollectorMembers)),
        "filters" => (
            Meaning::Member("filter", Kind::Object),
            Some(Translation::FilterName),
        ),
        // How it is read depends on what it holds.
        "collector" => (Meaning::Collector, None),
        "_id" => (Meaning::LeftOut(Translation::MongoKey), None),
        "mark_error" => (Meaning::LeftOut(Translation::MarkError), None),
        "projects" => (Meaning::LeftOut(Translation::Projects), None),
        _ => return None,
    };
    Some((meaning, translation.or(case)))
}

/// Returns the name of several words of which this is the camelCase, if it is of one of them.
pub(super) fn camel_case_of(name: &str, names: &[&'static str]) -> Option<&'static str> {
    let snake = to_snake_case(name);
    let mut names = names.iter().copied();
    names.find(|known| *known == snake && *known != name)
}

/// Returns `jobId` as `job_id`; a name without capitals is returned as it is.
fn to_snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_everybody_writes_them() {
        let member = |name: &str| {
            MEMBERS
                .into_iter()
                .find(|(known, _)| *known == name)
                .unwrap()
        };
        for (name, expected, translation) in [
            ("job_id", "job_id", None),
            ("jobId", "job_id", Some(Translation::CamelCase)),
            (
                "requestWorkspaceId",
                "request_workspace_id",
                Some(Translation::CamelCase),
            ),
            ("filters", "filter", Some(Translation::FilterName)),
            (
                "collectorInfo",
                "collector_info",
                Some(Translation::CamelCase),
            ),
        ] {
            let (known, kind) = member(expected);
            assert_eq!(
                meaning(name),
                Some((Meaning::Member(known, kind), translation)),
                "{name}"
            );
        }
        for name in ["stauts", "job-id", "JOBID", "", "é", "collector_infos"] {
            assert_eq!(meaning(name), None, "{name}");
        }
        assert_eq!(
            camel_case_of("pluginInfo", &COLLECTOR_MEMBERS),
            Some("plugin_info")
        );
        assert_eq!(camel_case_of("plugin_info", &COLLECTOR_MEMBERS), None);
        assert_eq!(camel_case_of("pluginId", &COLLECTOR_MEMBERS), None);
    }
}
