//! The files of the descriptor, as SpaceONE names them.
//!
//! Rule: spaceone-api 1.10.3; the numbers of fields are the same from 1.6 to 1.10.

use prost_types::{
    DescriptorProto, FileDescriptorProto, FileDescriptorSet, MethodDescriptorProto,
    ServiceDescriptorProto,
};

use super::fields::{
    Boolean, Double, Enum, Int32, Message, Of, Part, Text, Uint32, enumeration, many, map_entry,
    message, method, one, one_of,
};
use crate::grpc::messages::{COLLECTOR_STATES, UPGRADE_MODES};
use crate::job::JobStatus;

/// The service of jobs, by its full name.
pub(in crate::grpc) const JOB_SERVICE: &str = "spaceone.api.inventory.v1.Job";

const STRUCT: &str = "google.protobuf.Struct";
const VALUE: &str = "google.protobuf.Value";
const EMPTY: &str = "google.protobuf.Empty";

const STRUCT_FILE: &str = "google/protobuf/struct.proto";
const EMPTY_FILE: &str = "google/protobuf/empty.proto";
const QUERY_FILE: &str = "spaceone/api/core/v1/query.proto";
const COLLECTOR_FILE: &str = "spaceone/api/inventory/v1/collector.proto";
const JOB_FILE: &str = "spaceone/api/inventory/v1/job.proto";

/// Returns all files, each after those that it needs.
pub(super) fn files() -> FileDescriptorSet {
    FileDescriptorSet {
        file: vec![
            struct_file(),
            empty_file(),
            query_file(),
            collector_file(),
            job_file(),
        ],
    }
}

fn file(name: &str, package: &str, needs: &[&str]) -> FileDescriptorProto {
    FileDescriptorProto {
        name: Some(name.to_owned()),
        package: Some(package.to_owned()),
        dependency: needs.iter().map(|&name| name.to_owned()).collect(),
        syntax: Some("proto3".to_owned()),
        ..FileDescriptorProto::default()
    }
}

fn service(name: &str, methods: Vec<MethodDescriptorProto>) -> ServiceDescriptorProto {
    ServiceDescriptorProto {
        name: Some(name.to_owned()),
        method: methods,
        ..ServiceDescriptorProto::default()
    }
}

fn struct_file() -> FileDescriptorProto {
    let entries = Message("google.protobuf.Struct.FieldsEntry");
    let object = DescriptorProto {
        nested_type: vec![map_entry("FieldsEntry", Message(VALUE))],
        ..message("Struct", [many(1, "fields", entries)])
    };
    let kinds = [
        (1, "null_value", Enum("google.protobuf.NullValue")),
        (2, "number_value", Double),
        (3, "string_value", Text),
        (4, "bool_value", Boolean),
        (5, "struct_value", Message(STRUCT)),
        (6, "list_value", Message("google.protobuf.ListValue")),
    ];
    FileDescriptorProto {
        message_type: vec![
            object,
            message("Value", [one_of("kind", &kinds)]),
            message("ListValue", [many(1, "values", Message(VALUE))]),
        ],
        enum_type: vec![enumeration("NullValue", ["NULL_VALUE"])],
        ..file(STRUCT_FILE, "google.protobuf", &[])
    }
}

fn empty_file() -> FileDescriptorProto {
    FileDescriptorProto {
        message_type: vec![message("Empty", [])],
        ..file(EMPTY_FILE, "google.protobuf", &[])
    }
}

fn query_file() -> FileDescriptorProto {
    let mut messages = conditions_and_orders();
    messages.extend(stages());
    messages.extend(queries());
    FileDescriptorProto {
        message_type: messages,
        ..file(QUERY_FILE, "spaceone.api.core.v1", &[STRUCT_FILE])
    }
}

const FILTER: Of = Message("spaceone.api.core.v1.Filter");
const SORT: Of = Message("spaceone.api.core.v1.Sort");
const SORT_KEY: Of = Message("spaceone.api.core.v1.SortKey");
const PAGE: Of = Message("spaceone.api.core.v1.Page");
const UNWIND: Of = Message("spaceone.api.core.v1.AggregateUnwind");
const COUNT: Of = Message("spaceone.api.core.v1.AggregateCount");
const AGGREGATE_SORT: Of = Message("spaceone.api.core.v1.AggregateSort");
const GROUP: Of = Message("spaceone.api.core.v1.AggregateGroup");
const GROUP_KEY: Of = Message("spaceone.api.core.v1.AggregateGroupKey");
const GROUP_FIELD: Of = Message("spaceone.api.core.v1.AggregateGroupField");
const SUB_FIELD: Of = Message("spaceone.api.core.v1.AggregateGroupSubField");
const SUB_CONDITION: Of = Message("spaceone.api.core.v1.AggregateSubCondition");
const PROJECT: Of = Message("spaceone.api.core.v1.AggregateProject");
const PROJECT_FIELD: Of = Message("spaceone.api.core.v1.AggregateProjectField");
const STAGE: Of = Message("spaceone.api.core.v1.StatisticsAggregate");

fn key() -> Part {
    one_of("key_alias", &[(1, "key", Text), (2, "k", Text)])
}

fn name() -> Part {
    one_of("name_alias", &[(3, "name", Text), (4, "n", Text)])
}

fn operator() -> Part {
    one_of("operator_alias", &[(5, "operator", Text), (6, "o", Text)])
}

fn conditions_and_orders() -> Vec<DescriptorProto> {
    let condition = |name| {
        let values = [(3, "value", Message(VALUE)), (4, "v", Message(VALUE))];
        message(name, [key(), one_of("value_alias", &values), operator()])
    };
    let sort = |name| {
        let (key, desc) = (one(1, "key", Text), one(2, "desc", Boolean));
        message(name, [key, desc, many(3, "keys", SORT_KEY)])
    };
    vec![
        condition("Filter"),
        condition("AggregateSubCondition"),
        message("SortKey", [one(1, "key", Text), one(2, "desc", Boolean)]),
        sort("Sort"),
        sort("AggregateSort"),
        message("Page", [one(1, "start", Uint32), one(2, "limit", Uint32)]),
    ]
}

fn stages() -> Vec<DescriptorProto> {
    let kinds = [
        (1, "unwind", UNWIND),
        (2, "group", GROUP),
        (3, "count", COUNT),
        (4, "sort", AGGREGATE_SORT),
        (5, "project", PROJECT),
        (6, "limit", Int32),
        (7, "skip", Int32),
    ];
    let group_field = [
        key(),
        name(),
        operator(),
        many(7, "fields", SUB_FIELD),
        many(8, "conditions", SUB_CONDITION),
    ];
    let group = [many(1, "keys", GROUP_KEY), many(2, "fields", GROUP_FIELD)];
    let project = [
        many(1, "fields", PROJECT_FIELD),
        one(2, "exclude_keys", Boolean),
    ];
    let date_format = one(5, "date_format", Text);
    vec![
        message("AggregateUnwind", [one(1, "path", Text)]),
        message("AggregateCount", [one(1, "name", Text)]),
        message("AggregateGroupKey", [key(), name(), date_format]),
        message("AggregateGroupSubField", [key(), name()]),
        message("AggregateGroupField", group_field),
        message("AggregateGroup", group),
        message("AggregateProjectField", [key(), name(), operator()]),
        message("AggregateProject", project),
        message("StatisticsAggregate", [one_of("aggregate", &kinds)]),
    ]
}

fn queries() -> Vec<DescriptorProto> {
    let query = [
        many(1, "filter", FILTER),
        many(2, "filter_or", FILTER),
        // Of SpaceONE it is a single one, which is the same on the wire; clients of today send several.
        many(3, "sort", SORT),
        one(4, "page", PAGE),
        one(5, "minimal", Boolean),
        one(6, "count_only", Boolean),
        many(7, "only", Text),
        one(8, "keyword", Text),
    ];
    let statistics = [
        many(1, "filter", FILTER),
        many(2, "filter_or", FILTER),
        many(3, "aggregate", STAGE),
        one(4, "page", PAGE),
        one(5, "distinct", Text),
        one(6, "keyword", Text),
    ];
    vec![
        message("Query", query),
        message("StatisticsQuery", statistics),
    ]
}

/// The file that has the messages of jobs: clients of 1.x look for them there.
fn collector_file() -> FileDescriptorProto {
    const PACKAGE: &str = "spaceone.api.inventory.v1";
    let mut plugin = message(
        "PluginInfo",
        [
            one(1, "plugin_id", Text),
            one(2, "version", Text),
            one(3, "options", Message(STRUCT)),
            one(4, "secret_id", Text),
            one(5, "secret_group_id", Text),
            one(6, "provider", Text),
            one(7, "service_account_id", Text),
            one(10, "metadata", Message(STRUCT)),
            one(
                11,
                "upgrade_mode",
                Enum("spaceone.api.inventory.v1.PluginInfo.UpgradeMode"),
            ),
        ],
    );
    plugin.enum_type = vec![enumeration("UpgradeMode", UPGRADE_MODES)];
    let mut collector = message(
        "CollectorInfo",
        [
            one(1, "collector_id", Text),
            one(2, "name", Text),
            one(
                3,
                "state",
                Enum("spaceone.api.inventory.v1.CollectorInfo.CollectorState"),
            ),
            one(
                4,
                "plugin_info",
                Message("spaceone.api.inventory.v1.PluginInfo"),
            ),
            one(5, "priority", Int32),
            one(7, "tags", Message(STRUCT)),
            one(8, "created_at", Text),
            one(9, "last_collected_at", Text),
            one(10, "domain_id", Text),
            one(11, "provider", Text),
            one(12, "capability", Message(STRUCT)),
            one(20, "is_public", Boolean),
            one(21, "project_id", Text),
        ],
    );
    collector.enum_type = vec![enumeration("CollectorState", COLLECTOR_STATES)];
    let mut job = message(
        "JobInfo",
        [
            one(1, "job_id", Text),
            one(
                2,
                "status",
                Enum("spaceone.api.inventory.v1.JobInfo.Status"),
            ),
            one(3, "filter", Message(STRUCT)),
            one(4, "total_tasks", Int32),
            one(5, "remained_tasks", Int32),
            many(6, "errors", Message("spaceone.api.inventory.v1.ErrorInfo")),
            one(
                11,
                "collector_info",
                Message("spaceone.api.inventory.v1.CollectorInfo"),
            ),
            one(12, "project_id", Text),
            one(13, "domain_id", Text),
            one(21, "created_at", Text),
            one(22, "updated_at", Text),
            one(23, "finished_at", Text),
        ],
    );
    job.enum_type = vec![statuses("Status", "NONE")];
    let error = message(
        "ErrorInfo",
        [
            one(1, "error_code", Text),
            one(2, "message", Text),
            one(3, "additional", Message(STRUCT)),
        ],
    );
    FileDescriptorProto {
        message_type: vec![plugin, collector, error, job],
        // The older gateway wants a service in each file of messages that it looks for.
        service: vec![service("Collector", Vec::new())],
        ..file(COLLECTOR_FILE, PACKAGE, &[STRUCT_FILE])
    }
}

/// Makes the enum of statuses, in which `none` is the first.
fn statuses(name: &str, none: &'static str) -> prost_types::EnumDescriptorProto {
    let names = JobStatus::ALL.map(JobStatus::name);
    enumeration(name, [none].into_iter().chain(names))
}

fn job_file() -> FileDescriptorProto {
    const PACKAGE: &str = "spaceone.api.inventory.v1";
    let mut jobs_query = message(
        "JobsQuery",
        [
            one(1, "query", Message("spaceone.api.core.v1.Query")),
            one(2, "job_id", Text),
            one(
                3,
                "status",
                Enum("spaceone.api.inventory.v1.JobsQuery.JobStatus"),
            ),
            one(4, "collector_id", Text),
            one(5, "project_id", Text),
            one(6, "domain_id", Text),
        ],
    );
    jobs_query.enum_type = vec![statuses("JobStatus", "JOB_STATE_NONE")];
    let stat_query = message(
        "JobStatQuery",
        [
            one(1, "query", Message("spaceone.api.core.v1.StatisticsQuery")),
            one(2, "domain_id", Text),
        ],
    );
    let jobs = message(
        "JobsInfo",
        [
            many(1, "results", Message("spaceone.api.inventory.v1.JobInfo")),
            one(2, "total_count", Int32),
        ],
    );
    let methods = vec![
        method(
            "list",
            "spaceone.api.inventory.v1.JobsQuery",
            "spaceone.api.inventory.v1.JobsInfo",
        ),
        method("stat", "spaceone.api.inventory.v1.JobStatQuery", STRUCT),
        method("get", STRUCT, "spaceone.api.inventory.v1.JobInfo"),
        method("analyze", STRUCT, STRUCT),
        method("delete", STRUCT, EMPTY),
    ];
    FileDescriptorProto {
        message_type: vec![jobs_query, stat_query, jobs],
        service: vec![service("Job", methods)],
        ..file(
            JOB_FILE,
            PACKAGE,
            &[STRUCT_FILE, EMPTY_FILE, QUERY_FILE, COLLECTOR_FILE],
        )
    }
}
