//! The jobs by domain and status, counted when scraped.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::job::{JobStatus, PerStatus};

/// The most domains with series of their own, six each; the others are counted together.
const MAX_DOMAINS: usize = 1_000;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    /// Empty for the domains beyond the most.
    domain: String,
    status: &'static str,
}

/// Registers the number of jobs of each status of each domain; those with the most jobs have series of their own.
pub(in crate::api) fn register_jobs(
    registry: &mut Registry,
    mut domains: Vec<(String, PerStatus<u64>)>,
) {
    let jobs = |counts: &PerStatus<u64>| counts.values().iter().sum::<u64>();
    domains.sort_by_cached_key(|(_, counts)| std::cmp::Reverse(jobs(counts)));
    let family = Family::<Labels, Gauge>::default();
    for (number, (domain, counts)) in domains.into_iter().enumerate() {
        let domain = if number < MAX_DOMAINS {
            domain
        } else {
            String::new()
        };
        for status in JobStatus::ALL {
            let labels = Labels {
                domain: domain.clone(),
                status: status.name(),
            };
            let count = i64::try_from(counts[status]).unwrap_or(i64::MAX);
            family.get_or_create(&labels).inc_by(count);
        }
    }
    registry.register("jobs", "Jobs in the database, by domain and status", family);
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::prometheus_text::encode;

    use super::*;

    #[test]
    fn the_domains_beyond_the_most_are_counted_together() {
        let counts = |jobs| {
            let mut counts = PerStatus::default();
            counts[JobStatus::Error] = jobs;
            counts
        };
        let mut domains: Vec<_> = (0..MAX_DOMAINS + 2)
            .map(|number| (format!("small-{number:04}"), counts(1)))
            .collect();
        domains.push(("large".to_owned(), counts(7)));
        let mut registry = Registry::default();
        register_jobs(&mut registry, domains);
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        let series = |domain: &str| {
            let name = format!("jobs{{domain=\"{domain}\",status=\"ERROR\"}} ");
            text.lines().find_map(|line| line.strip_prefix(&name))
        };
        assert_eq!(series("large"), Some("7"));
        assert_eq!(series("small-0000"), Some("1"));
        assert_eq!(series("small-0999"), None);
        assert_eq!(series(""), Some("3"));
    }
}
