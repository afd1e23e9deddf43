//! The files of the descriptor, as SpaceONE names them.
//!
//! Rule: spaceone-api 1.10.3; the numbers of fields are the same from 1.6 to 1.10.

use prost_types::{
    DescriptorProto, FileDescriptorProto, FileDescriptorSet, MethodDescriptorProto,
    ServiceDescriptorProto,
};

use super::fields::{
    Boolean, Double, Enum, Int32, Message, Of, Part, STRUCT, Text, Uint32, answer, enumeration,
    many, map_entry, message, method, one, one_of,
};
use crate::grpc::messages::answer::{
    COLLECTOR, COLLECTOR_STATES, ERROR, JOB, JOBS, PLUGIN, STATUSES, UPGRADE_MODES,
};
use crate::job::JobStatus;

/// The service of jobs, by its full name.
pub(in crate::grpc) const JOB_SERVICE: &str = "spaceone.api.inventory.v1.Job";

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
    let mut plugin = answer(&PLUGIN);
    plugin.enum_type = vec![enumeration("UpgradeMode", UPGRADE_MODES)];
    let mut collector = answer(&COLLECTOR);
    collector.enum_type = vec![enumeration("CollectorState", COLLECTOR_STATES)];
    let mut job = answer(&JOB);
    job.enum_type = vec![enumeration("Status", STATUSES)];
    FileDescriptorProto {
        message_type: vec![plugin, collector, answer(&ERROR), job],
        // The older gateway wants a service in each file of messages that it looks for.
        service: vec![service("Collector", Vec::new())],
        ..file(COLLECTOR_FILE, PACKAGE, &[STRUCT_FILE])
    }
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
    let statuses = ["JOB_STATE_NONE"]
        .into_iter()
        .chain(JobStatus::ALL.map(JobStatus::name));
    jobs_query.enum_type = vec![enumeration("JobStatus", statuses)];
    let stat_query = message(
        "JobStatQuery",
        [
            one(1, "query", Message("spaceone.api.core.v1.StatisticsQuery")),
            one(2, "domain_id", Text),
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
        message_type: vec![jobs_query, stat_query, answer(&JOBS)],
        service: vec![service("Job", methods)],
        ..file(
            JOB_FILE,
            PACKAGE,
            &[STRUCT_FILE, EMPTY_FILE, QUERY_FILE, COLLECTOR_FILE],
        )
    }
}
