//! The made-up world of the demo: collectors, domains, projects, and the lives of its jobs.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value, json};

use super::timeline::Timeline;
use crate::job::{CollectorInfo, Job, JobError, JobStatus, Life, LifeStage};
use crate::json::StrictObject;

const COLLECTORS: usize = 200;
const PROJECTS: usize = 80;
/// The number of jobs of a thousand that belong to the first domain; the others share the rest.
const FIRST_DOMAIN_PER_MILLE: u32 = 700;
const REGIONS: [&str; 6] = [
    "us-east-1",
    "us-west-2",
    "eu-west-1",
    "eu-central-1",
    "ap-northeast-1",
    "ap-northeast-2",
];
const ERRORS: [(&str, &str); 6] = [
    (
        "ERROR_AUTHENTICATE_FAILURE",
        "A secret has expired or was revoked.",
    ),
    (
        "ERROR_COLLECTOR_TIMEOUT",
        "The plugin did not answer within 600 seconds.",
    ),
    ("ERROR_PLUGIN_CALL", "The plugin closed the connection."),
    (
        "ERROR_QUOTA_EXCEEDED",
        "The provider throttles requests: rate exceeded.",
    ),
    (
        "ERROR_PERMISSION_DENIED",
        "The account may not list this resource.",
    ),
    ("ERROR_RESOURCE_FORMAT", "A resource has no region code."),
];
/// Provider, name, resource type.
const PLUGINS: [(&str, &str, &str); 10] = [
    ("aws", "AWS EC2", "inventory.Server"),
    ("aws", "AWS RDS", "inventory.CloudService"),
    ("aws", "AWS CloudTrail", "inventory.CloudService"),
    ("google_cloud", "Google Compute Engine", "inventory.Server"),
    ("google_cloud", "Google Cloud SQL", "inventory.CloudService"),
    ("azure", "Azure VM", "inventory.Server"),
    ("azure", "Azure SQL", "inventory.CloudService"),
    ("openstack", "OpenStack Nova", "inventory.Server"),
    ("kubernetes", "Kubernetes", "inventory.CloudService"),
    ("alibaba", "Alibaba ECS", "inventory.Server"),
];

/// Collectors, domains and projects, all made from a seed.
#[derive(Debug, Clone)]
pub struct World {
    seed: u64,
    domains: Vec<String>,
    projects: Vec<String>,
    collectors: Vec<Map<String, Value>>,
}

fn hex(random: &mut impl Rng, digits: usize) -> String {
    let number: u64 = random.random();
    format!("{number:016x}")[..digits].to_owned()
}

fn pick<'a, T>(random: &mut impl Rng, from: &'a [T]) -> &'a T {
    &from[random.random_range(0..from.len())]
}

impl World {
    /// Makes the world of a seed.
    #[must_use]
    pub fn new(seed: u64, domains: usize) -> Self {
        let random = &mut ChaCha8Rng::seed_from_u64(seed);
        Self {
            seed,
            domains: (0..domains.max(1))
                .map(|_| format!("domain-{}", hex(random, 12)))
                .collect(),
            projects: (0..PROJECTS)
                .map(|_| format!("project-{}", hex(random, 12)))
                .collect(),
            collectors: (0..COLLECTORS)
                .map(|number| collector(random, number))
                .collect(),
        }
    }

    /// Returns the domains; the first has most of the jobs.
    #[must_use]
    pub fn domains(&self) -> &[String] {
        &self.domains
    }

    /// Makes the life of job `index` of a timeline.
    #[must_use]
    pub fn life(&self, timeline: &Timeline, index: u64) -> Life {
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        random.set_stream(
            index
                .wrapping_mul(4)
                .wrapping_add(timeline.number)
                .wrapping_add(1),
        );
        let random = &mut random;
        let domain_id =
            if self.domains.len() == 1 || random.random_range(0..1_000) < FIRST_DOMAIN_PER_MILLE {
                &self.domains[0]
            } else {
                pick(random, &self.domains[1..])
            };
        let offset = i64::try_from(index)
            .unwrap_or(i64::MAX)
            .saturating_mul(timeline.step_millis);
        let created_at = timeline
            .start
            .plus_millis(offset + random.random_range(0..timeline.step_millis));
        let started_at = created_at.plus_millis(random.random_range(1_000..12_000));
        let status = match random.random_range(0..100) {
            0..85 => JobStatus::Success,
            85..93 => JobStatus::Error,
            93..97 => JobStatus::Timeout,
            _ => JobStatus::Canceled,
        };
        let shortest = timeline.longest_millis / 20;
        let run_millis = random.random_range(shortest..timeline.longest_millis);
        let finished_at = started_at.plus_millis(match status {
            JobStatus::Timeout => timeline.longest_millis,
            _ => run_millis,
        });
        let total_tasks = random.random_range(1..48);
        let left = if status == JobStatus::Success {
            0
        } else {
            random.random_range(0..total_tasks)
        };
        let collector = pick(random, &self.collectors);
        let errors = match status {
            JobStatus::Error => (0..random.random_range(1..=3))
                .map(|_| error(random))
                .collect(),
            JobStatus::Timeout => vec![timeout_error(timeline.longest_millis)],
            _ => Vec::new(),
        };
        let start = Job {
            job_id: format!("job-{}", hex(random, 12)),
            status: JobStatus::Created,
            filter: filter(random),
            total_tasks,
            remained_tasks: total_tasks,
            errors: Vec::new(),
            collector_info: Some(CollectorInfo(collector.clone())),
            project_id: random
                .random_bool(0.8)
                .then(|| pick(random, &self.projects).clone()),
            domain_id: domain_id.clone(),
            created_at,
            updated_at: created_at,
            finished_at: None,
        };
        let run = LifeStage {
            at: started_at,
            status: JobStatus::InProgress,
            remained_tasks: total_tasks,
            errors: Vec::new(),
        };
        let end = LifeStage {
            at: finished_at,
            status,
            remained_tasks: left,
            errors,
        };
        Life::new(start, vec![run, end])
    }
}

fn collector(random: &mut impl Rng, number: usize) -> Map<String, Value> {
    let (provider, name, resource) = PLUGINS[number % PLUGINS.len()];
    let region = pick(random, &REGIONS);
    let version = format!(
        "1.{}.{}",
        random.random_range(0..9),
        random.random_range(0..20)
    );
    let collector = json!({
        "collector_id": format!("collector-{}", hex(random, 12)),
        "name": format!("{name} {region} #{}", number / PLUGINS.len() + 1),
        "state": "ENABLED",
        "plugin_info": {
            "plugin_id": format!("plugin-{}", name.to_lowercase().replace(' ', "-")),
            "version": version,
            "options": {}
        },
        "provider": provider,
        "capability": {"supported_resource_type": [resource]},
        "is_public": random.random_bool(0.3)
    });
    match collector {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

fn filter(random: &mut impl Rng) -> StrictObject {
    let mut filter = Map::new();
    if random.random_bool(0.4) {
        filter.insert("region_code".to_owned(), json!([pick(random, &REGIONS)]));
    }
    StrictObject(filter)
}

fn error(random: &mut impl Rng) -> JobError {
    let (code, message) = pick(random, &ERRORS);
    let mut additional = Map::new();
    additional.insert("region".to_owned(), json!(pick(random, &REGIONS)));
    additional.insert("retry".to_owned(), json!(random.random_range(0..4)));
    JobError {
        error_code: Some((*code).to_owned()),
        message: Some((*message).to_owned()),
        additional: Some(StrictObject(additional)),
    }
}

fn timeout_error(longest_millis: i64) -> JobError {
    JobError {
        error_code: Some("ERROR_JOB_TIMEOUT".to_owned()),
        message: Some(format!(
            "The job did not finish within {} seconds.",
            longest_millis / 1_000
        )),
        additional: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    const NOW: &str = "2026-01-01T00:00:00Z";

    fn now() -> Timestamp {
        Timestamp::parse_rfc3339(NOW).unwrap()
    }

    #[test]
    fn the_same_seed_makes_the_same_jobs() {
        let documents = |seed| -> Vec<String> {
            let world = World::new(seed, 3);
            let timeline = Timeline::before(now(), 7, 200);
            (0..200)
                .map(|index| world.life(&timeline, index).at(now()).to_document())
                .collect()
        };
        assert_eq!(documents(1), documents(1));
        assert_ne!(documents(1), documents(2));
        for document in documents(1) {
            let job = Job::from_json(document.as_bytes()).unwrap();
            assert_eq!(job.to_document(), document, "in canonical form");
        }
    }

    #[test]
    fn a_life_runs_from_created_to_its_end() {
        let world = World::new(1, 1);
        let timeline = Timeline::before(now(), 1, 50);
        for index in 0..50 {
            let life = world.life(&timeline, index);
            let start = life.start().created_at;
            let end = life.ends_at().unwrap();
            let mut last = life.at(start);
            assert_eq!(
                (last.status, last.remained_tasks),
                (JobStatus::Created, last.total_tasks)
            );
            for step in 1..=40 {
                let time = start.plus_millis((end.millis() - start.millis()) * step / 40);
                let job = life.at(time);
                assert!(
                    job.remained_tasks <= last.remained_tasks,
                    "tasks can't be undone"
                );
                assert!(job.updated_at >= last.updated_at && job.updated_at <= time);
                last = job;
            }
            assert_eq!(last.finished_at, Some(end));
            assert!(!matches!(
                last.status,
                JobStatus::Created | JobStatus::InProgress
            ));
        }
    }
}
