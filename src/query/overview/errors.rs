//! The groups of an overview's errors, by code and message.

use std::collections::{BTreeMap, HashMap, HashSet};

use foldhash::fast::RandomState;

use super::answer::{ErrorExampleInfo, ErrorGroupInfo, ErrorsInfo};
use super::buckets::Buckets;
use super::collectors::CollectorNumber;
use super::message::normalise;
use crate::time::Timestamp;

/// The most groups that are formed.
pub const MAX_GROUPS: usize = 5_000;
/// The most groups that are answered.
const MAX_ANSWERED: usize = 50;
/// The most characters of an example.
const MAX_EXAMPLE_CHARS: usize = 1_000;

/// Forms the groups of errors.
#[derive(Debug)]
pub struct ErrorGroups {
    buckets: Buckets,
    groups: Vec<Group>,
    numbers: HashMap<String, usize, RandomState>,
    ungrouped: u64,
    /// The key of the present error.
    key: String,
}

/// A job of the period that has errors.
#[derive(Debug, Clone, Copy)]
pub(super) struct FailedJob {
    /// `jobs.id`.
    pub(super) id: i64,
    pub(super) created_at: i64,
    pub(super) collector: Option<CollectorNumber>,
}

#[derive(Debug)]
struct Group {
    code: Option<String>,
    message: Option<String>,
    errors: u64,
    jobs: u64,
    /// The job of the error that came last: errors of a job come one after the other.
    last_job: i64,
    collectors: HashSet<CollectorNumber, RandomState>,
    first_seen: i64,
    /// The newest job.
    last_seen: i64,
    example_job: i64,
    example: Option<String>,
    /// By bucket.
    counts: BTreeMap<usize, u64>,
}

impl ErrorGroups {
    pub(super) fn new(buckets: Buckets) -> Self {
        Self {
            buckets,
            groups: Vec::new(),
            numbers: HashMap::default(),
            ungrouped: 0,
            key: String::new(),
        }
    }

    /// Adds an error. Those of a job come one after the other, the last one first.
    pub(super) fn add(&mut self, job: FailedJob, code: Option<&str>, message: Option<&str>) {
        // The length of the code keeps code and message apart.
        let code_bytes = code.map_or(-1, |code| i64::try_from(code.len()).unwrap_or(-1));
        self.key.clear();
        self.key.push_str(&code_bytes.to_string());
        self.key.push(if message.is_some() { ':' } else { '.' });
        self.key.push_str(code.unwrap_or_default());
        let normalised = self.key.len();
        normalise(message.unwrap_or_default(), &mut self.key);
        let number = self.numbers.get(&self.key).copied();
        let number = match number {
            Some(number) => number,
            None if self.groups.len() >= MAX_GROUPS => {
                self.ungrouped += 1;
                return;
            }
            None => {
                self.numbers.insert(self.key.clone(), self.groups.len());
                self.groups.push(Group {
                    code: code.map(str::to_owned),
                    message: message.map(|_| self.key[normalised..].to_owned()),
                    errors: 0,
                    jobs: 0,
                    last_job: job.id.wrapping_add(1),
                    collectors: HashSet::default(),
                    first_seen: job.created_at,
                    last_seen: job.created_at,
                    example_job: job.id,
                    example: message.map(cut),
                    counts: BTreeMap::new(),
                });
                self.groups.len() - 1
            }
        };
        let Some(group) = self.groups.get_mut(number) else {
            return;
        };
        group.errors += 1;
        if group.last_job != job.id {
            group.last_job = job.id;
            group.jobs += 1;
            group.collectors.extend(job.collector);
        }
        group.first_seen = group.first_seen.min(job.created_at);
        if (job.created_at, job.id) > (group.last_seen, group.example_job) {
            group.last_seen = job.created_at;
            group.example_job = job.id;
            group.example = message.map(cut);
        }
        let bucket = self.buckets.of(job.created_at);
        *group.counts.entry(bucket).or_default() += 1;
    }

    /// Returns the answer; `job_id` finds the id of a job.
    ///
    /// # Errors
    /// Those of `job_id`.
    pub fn answer<E>(
        mut self,
        mut job_id: impl FnMut(i64) -> Result<String, E>,
    ) -> Result<ErrorsInfo, E> {
        self.groups.sort_unstable_by(|one, other| {
            let by_size = (other.jobs, other.errors, other.last_seen).cmp(&(
                one.jobs,
                one.errors,
                one.last_seen,
            ));
            by_size.then_with(|| (&one.code, &one.message).cmp(&(&other.code, &other.message)))
        });
        let more = self.groups.len().saturating_sub(MAX_ANSWERED) as u64;
        let mut results = Vec::new();
        let time = |millis| Timestamp::from_millis(millis).unwrap_or(Timestamp::MIN);
        for group in self.groups.into_iter().take(MAX_ANSWERED) {
            let mut counts = vec![0; self.buckets.count()];
            for (bucket, count) in group.counts {
                if let Some(sum) = counts.get_mut(bucket) {
                    *sum += count;
                }
            }
            results.push(ErrorGroupInfo {
                error_code: group.code,
                message: group.message,
                errors: group.errors,
                jobs: group.jobs,
                collectors: group.collectors.len() as u64,
                first_seen: time(group.first_seen),
                last_seen: time(group.last_seen),
                example: ErrorExampleInfo {
                    job_id: job_id(group.example_job)?,
                    message: group.example,
                },
                counts,
            });
        }
        Ok(ErrorsInfo {
            results,
            more,
            ungrouped: self.ungrouped,
        })
    }
}

/// Cuts a message for an example.
fn cut(message: &str) -> String {
    match message.char_indices().nth(MAX_EXAMPLE_CHARS) {
        None => message.to_owned(),
        Some((end, _)) => format!("{}…", &message[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: i64 = 1_767_225_600_000; // 2026-01-01

    fn groups() -> ErrorGroups {
        let time = |millis| Timestamp::from_millis(millis).unwrap();
        let buckets = Buckets::new(Some("1h"), time(START), time(START + 10_800_000)).unwrap();
        ErrorGroups::new(buckets)
    }

    fn add(groups: &mut ErrorGroups, job: i64, code: Option<&str>, message: Option<&str>) {
        let job = FailedJob {
            id: job,
            created_at: START + job * 600_000,
            collector: u32::try_from(job % 3).ok(),
        };
        groups.add(job, code, message);
    }

    fn answer(groups: ErrorGroups) -> ErrorsInfo {
        let answer = groups.answer(|job| Ok::<_, ()>(format!("job-{job}")));
        answer.unwrap()
    }

    #[test]
    fn errors_that_differ_in_what_is_taken_out_are_a_group() {
        let mut all = groups();
        for job in [7, 6, 17, 5, 0] {
            add(
                &mut all,
                job,
                Some("A"),
                Some(&format!("{job} of 'x{job}'")),
            );
            add(&mut all, job, Some("A"), Some("1 of 'x'"));
            add(&mut all, job, None, None);
        }
        let answer = answer(all);
        assert_eq!(
            (answer.results.len(), answer.more, answer.ungrouped),
            (2, 0, 0)
        );
        let group = &answer.results[0];
        assert_eq!(group.message.as_deref(), Some("<n> of <value>"));
        assert_eq!((group.errors, group.jobs, group.collectors), (10, 5, 3));
        assert_eq!(group.counts, [4, 4, 2]);
        assert_eq!(group.example.job_id, "job-17");
        assert_eq!(group.example.message.as_deref(), Some("17 of 'x17'"));
        assert_eq!(group.first_seen.to_string(), "2026-01-01T00:00:00.000Z");
        assert_eq!(group.last_seen.to_string(), "2026-01-01T02:50:00.000Z");
        let none = &answer.results[1];
        assert_eq!(
            (&none.error_code, &none.message, none.errors),
            (&None, &None, 5)
        );
    }

    #[test]
    fn codes_and_messages_are_not_mixed_up() {
        let mut all = groups();
        for (code, message) in [
            (Some("a"), Some("b")),
            (Some("ab"), Some("")),
            (Some("ab"), None),
            (None, Some("ab")),
            (Some(""), Some("ab")),
            (Some("a:"), Some("b")),
        ] {
            add(&mut all, 0, code, message);
        }
        let answer = answer(all);
        assert_eq!(answer.results.len(), 6);
        assert!(
            answer
                .results
                .iter()
                .all(|group| group.errors == 1 && group.jobs == 1)
        );
    }

    #[test]
    fn the_groups_of_the_most_jobs_are_answered() {
        let mut all = groups();
        let letters = |number: usize| {
            let letter = |number: usize| char::from(b'a' + u8::try_from(number % 26).unwrap());
            [letter(number / 676), letter(number / 26), letter(number)]
                .iter()
                .collect::<String>()
        };
        for number in 0..MAX_GROUPS + 7 {
            add(&mut all, 1, Some("A"), Some(&letters(number)));
        }
        add(&mut all, 0, Some("A"), Some("aag"));
        add(
            &mut all,
            0,
            Some("A"),
            Some(&"y".repeat(MAX_EXAMPLE_CHARS + 1)),
        );
        let answer = answer(all);
        assert_eq!(answer.results[0].message.as_deref(), Some("aag"));
        assert_eq!(answer.results[1].message.as_deref(), Some("aaa"));
        assert_eq!(
            (answer.results.len() as u64 + answer.more, answer.ungrouped),
            (MAX_GROUPS as u64, 8)
        );
        assert_eq!(
            cut(&"y".repeat(MAX_EXAMPLE_CHARS + 1)),
            "y".repeat(MAX_EXAMPLE_CHARS) + "…"
        );
    }
}
