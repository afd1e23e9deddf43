//! The messages of answers, as tables of their fields: `transcode` writes by them, and the descriptor shows them.
//!
//! Rule: `spaceone/api/inventory/v1/job.proto` and `collector.proto`, of SpaceONE's generation 1.6 to 1.10.

use crate::job::JobStatus;

/// A message.
#[derive(Debug)]
pub(in crate::grpc) struct Layout {
    /// The name with its package.
    pub(in crate::grpc) name: &'static str,
    pub(in crate::grpc) fields: &'static [Field],
}

/// A field of a message.
#[derive(Debug)]
pub(in crate::grpc) struct Field {
    pub(in crate::grpc) number: u32,
    pub(in crate::grpc) name: &'static str,
    pub(in crate::grpc) of: FieldOf,
}

/// What a field holds.
#[derive(Debug, Clone, Copy)]
pub(in crate::grpc) enum FieldOf {
    Text,
    /// An `int32`.
    Integer,
    Flag,
    /// A `google.protobuf.Struct`.
    Struct,
    /// One of some names, as its place among them; the first one is none.
    Choice {
        name: &'static str,
        names: &'static [&'static str],
    },
    One(&'static Layout),
    Many(&'static Layout),
}

use self::FieldOf::{Choice, Flag, Integer, Many, One, Struct, Text};

const fn field(number: u32, name: &'static str, of: FieldOf) -> Field {
    Field { number, name, of }
}

/// The answer with a list.
pub(in crate::grpc) static JOBS: Layout = Layout {
    name: "spaceone.api.inventory.v1.JobsInfo",
    fields: &[
        field(1, "results", Many(&JOB)),
        field(2, "total_count", Integer),
    ],
};

/// A job.
pub(in crate::grpc) static JOB: Layout = Layout {
    name: "spaceone.api.inventory.v1.JobInfo",
    fields: &[
        field(1, "job_id", Text),
        field(2, "status", STATUS),
        field(3, "filter", Struct),
        field(4, "total_tasks", Integer),
        field(5, "remained_tasks", Integer),
        field(6, "errors", Many(&ERROR)),
        field(11, "collector_info", One(&COLLECTOR)),
        field(12, "project_id", Text),
        field(13, "domain_id", Text),
        field(21, "created_at", Text),
        field(22, "updated_at", Text),
        field(23, "finished_at", Text),
    ],
};

/// An error of a job.
pub(in crate::grpc) static ERROR: Layout = Layout {
    name: "spaceone.api.inventory.v1.ErrorInfo",
    fields: &[
        field(1, "error_code", Text),
        field(2, "message", Text),
        field(3, "additional", Struct),
    ],
};

/// The collector as it was when the job ran.
pub(in crate::grpc) static COLLECTOR: Layout = Layout {
    name: "spaceone.api.inventory.v1.CollectorInfo",
    fields: &[
        field(1, "collector_id", Text),
        field(2, "name", Text),
        field(3, "state", COLLECTOR_STATE),
        field(4, "plugin_info", One(&PLUGIN)),
        field(5, "priority", Integer),
        field(7, "tags", Struct),
        field(8, "created_at", Text),
        field(9, "last_collected_at", Text),
        field(10, "domain_id", Text),
        field(11, "provider", Text),
        field(12, "capability", Struct),
        field(20, "is_public", Flag),
        field(21, "project_id", Text),
    ],
};

/// The plugin of a collector.
pub(in crate::grpc) static PLUGIN: Layout = Layout {
    name: "spaceone.api.inventory.v1.PluginInfo",
    fields: &[
        field(1, "plugin_id", Text),
        field(2, "version", Text),
        field(3, "options", Struct),
        field(4, "secret_id", Text),
        field(5, "secret_group_id", Text),
        field(6, "provider", Text),
        field(7, "service_account_id", Text),
        field(10, "metadata", Struct),
        field(11, "upgrade_mode", UPGRADE_MODE),
    ],
};

const STATUS: FieldOf = Choice {
    name: "spaceone.api.inventory.v1.JobInfo.Status",
    names: &STATUSES,
};
const COLLECTOR_STATE: FieldOf = Choice {
    name: "spaceone.api.inventory.v1.CollectorInfo.CollectorState",
    names: &COLLECTOR_STATES,
};
const UPGRADE_MODE: FieldOf = Choice {
    name: "spaceone.api.inventory.v1.PluginInfo.UpgradeMode",
    names: &UPGRADE_MODES,
};

/// The names of a job's statuses, by their numbers.
pub(in crate::grpc) const STATUSES: [&str; 7] = {
    let mut names = ["NONE"; 7];
    let mut index = 0;
    while index < JobStatus::ALL.len() {
        names[index + 1] = JobStatus::ALL[index].name();
        index += 1;
    }
    names
};
/// The names of a collector's states, by their numbers.
pub(in crate::grpc) const COLLECTOR_STATES: [&str; 3] = ["NONE", "ENABLED", "DISABLED"];
/// The names of a plugin's upgrade modes, by their numbers.
pub(in crate::grpc) const UPGRADE_MODES: [&str; 3] = ["NONE", "MANUAL", "AUTO"];
