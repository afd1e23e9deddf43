//! The fuzz targets of tests/fuzz, run for a short while over damaged requests and files.
//!
//! The seed is fixed. `JOBDECK_FUZZ_CASES=1000000 cargo test --test fuzz` tries more; how cargo-fuzz runs them for as long as
//! you like is in tests/fuzz/Cargo.toml.
#![cfg(test)]

#[path = "fuzz/targets.rs"]
mod targets;

use std::path::Path;

use rand::seq::IndexedRandom;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

fn cases() -> usize {
    std::env::var("JOBDECK_FUZZ_CASES").map_or(4_000, |text| {
        text.parse().expect("JOBDECK_FUZZ_CASES is a number")
    })
}

fn conformance(file: &str) -> Vec<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/conformance")
        .join(file);
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| line.as_bytes().to_vec()).collect()
}

/// The bodies of the conformance cases.
fn requests() -> Vec<Vec<u8>> {
    let files = ["list.jsonl", "stat.jsonl", "errors.jsonl"];
    let lines = files.into_iter().flat_map(conformance);
    let bodies = lines.filter_map(|line| {
        let case: Value = serde_json::from_slice(&line).unwrap();
        let body = &case["request"]["body"];
        body.is_object().then(|| body.to_string().into_bytes())
    });
    bodies.collect()
}

/// Jobs in each of the forms in which they are read.
fn files() -> Vec<Vec<u8>> {
    let jobs = conformance("jobs.ndjson");
    let forms = jobs.chunks(3).flat_map(|jobs| {
        let list = jobs.join(&b',');
        [
            jobs.join(&b'\n'),
            [b"[", &list[..], b"]"].concat(),
            [b"{\"results\":[", &list[..], b"],\"total_count\":3}"].concat(),
        ]
    });
    forms.collect()
}

/// Words of the language, to be put where they do not belong.
const WORDS: [&[u8]; 38] = [
    b"null",
    b"true",
    b"-1",
    b"1e309",
    b"1.5",
    b"9223372036854775807",
    b"18446744073709551616",
    b"\"\"",
    b"\"\\u0000\"",
    b"\"\\ud83e\\udd80\"",
    b"\"now/d - 1d\"",
    b"\"regex\"",
    b"\"match\"",
    b"\"in\"",
    b"\"not\"",
    b"\"timediff_gt\"",
    b"\"push\"",
    b"\"average\"",
    b"\"divide\"",
    b"\"created_at\"",
    b"\"errors.0.additional.a\"",
    b"\"filter\"",
    b"\"collector_info.x\"",
    b"\"domain_id\"",
    b"\"2022-06-17T08:00:00Z\"",
    b"\"(?=(a+)+b)\"",
    b"\"%Y-%m-%dT%H\"",
    b"\"status\"",
    b"[]",
    b"{}",
    b"[[]]",
    b"{\"unwind\":{\"path\":\"errors\"}}",
    b"{\"limit\":1}",
    b"{\"k\":\"job_id\",\"v\":\"j1\",\"o\":\"eq\"}",
    b"{\"count\":{\"name\":\"x\"}}",
    b"\xff",
    b"'\";--",
    b"\n",
];

/// One of the samples with some of its bytes damaged, some of its values exchanged, or a piece of another put in.
fn damaged(samples: &[Vec<u8>], random: &mut ChaCha8Rng) -> Vec<u8> {
    let mut bytes = samples.choose(random).unwrap().clone();
    for _ in 0..random.random_range(1..5) {
        let at = random.random_range(0..=bytes.len());
        let upto = (at + random.random_range(0..40)).min(bytes.len());
        match random.random_range(0..6) {
            0 => {
                bytes.drain(at..upto);
            }
            1 => {
                let other = samples.choose(random).unwrap();
                let start = random.random_range(0..=other.len());
                let end = (start + random.random_range(0..60)).min(other.len());
                bytes.splice(at..at, other[start..end].iter().copied());
            }
            2 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << random.random_range(0..8);
                }
            }
            3 => {
                let mut noise = [0; 3];
                random.fill_bytes(&mut noise);
                bytes.splice(at..at, noise);
            }
            // The value that begins here gives way, so that most of what is made is JSON still.
            _ => {
                if let Some((start, end)) = value_from(&bytes, at) {
                    let word = WORDS.choose(random).unwrap();
                    bytes.splice(start..end, word.iter().copied());
                }
            }
        }
    }
    bytes
}

/// One of the samples, a few of whose values stand where those of the same name stood in others: it is understood more
/// often than not.
fn crossed(samples: &[Vec<u8>], random: &mut ChaCha8Rng) -> Option<Vec<u8>> {
    let read = |text: &[u8]| serde_json::from_slice::<Value>(text).ok();
    let mut made = read(samples.choose(random)?)?;
    for _ in 0..random.random_range(1..5) {
        let other = read(samples.choose(random)?)?;
        let place = places(&made).choose(random)?.clone();
        let name = |place: &str| place.rsplit('/').next().unwrap_or_default().to_owned();
        let mut theirs = places(&other);
        theirs.retain(|their| name(their) == name(&place));
        if let Some(value) = theirs.choose(random).and_then(|their| other.pointer(their)) {
            *made.pointer_mut(&place)? = value.clone();
        }
    }
    Some(made.to_string().into_bytes())
}

/// The places within a document, as JSON pointers.
fn places(document: &Value) -> Vec<String> {
    let inner = |name: String, value: &Value| {
        let below = places(value).into_iter();
        let below: Vec<_> = below.map(|place| format!("/{name}{place}")).collect();
        std::iter::once(format!("/{name}")).chain(below)
    };
    match document {
        Value::Array(items) => (0..)
            .zip(items)
            .flat_map(|(n, item): (usize, _)| inner(n.to_string(), item))
            .collect(),
        Value::Object(members) => members
            .iter()
            .flat_map(|(name, member)| inner(name.clone(), member))
            .collect(),
        _ => Vec::new(),
    }
}

/// The first value that begins at a place or behind it: a text, a number, or an array or object on to its first end.
fn value_from(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let begins = |byte: &u8| b"\"[{-0123456789tfn".contains(byte);
    let start = at + bytes.get(at..)?.iter().position(begins)?;
    let inside = bytes.get(start + 1..)?;
    let length = match bytes[start] {
        b'"' => inside.iter().position(|byte| *byte == b'"')? + 1,
        b'[' => inside.iter().position(|byte| *byte == b']')? + 1,
        b'{' => inside.iter().position(|byte| *byte == b'}')? + 1,
        _ => inside
            .iter()
            .position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'.')?,
    };
    Some((start, start + 1 + length))
}

/// Gives the samples and then their damaged kin to a target; returns how many of the damaged it took for good.
fn fuzz(samples: &[Vec<u8>], target: fn(&[u8]) -> usize) -> usize {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    assert!(samples.len() > 50, "{}", samples.len());
    assert!(samples.iter().map(|sample| target(sample)).sum::<usize>() > 50);
    let mut taken = 0;
    for _ in 0..cases() {
        let crossed = if random.random() {
            crossed(samples, &mut random)
        } else {
            None
        };
        let bytes = crossed.unwrap_or_else(|| damaged(samples, &mut random));
        let run = std::panic::catch_unwind(|| target(&bytes));
        taken += run.unwrap_or_else(|_| panic!("on {}", String::from_utf8_lossy(&bytes)));
    }
    taken
}

#[test]
fn the_query_language_keeps_its_promises() {
    let taken = fuzz(&requests(), targets::query);
    assert!(taken > cases() / 20, "only {taken} were answered");
}

#[test]
fn the_reader_of_jobs_keeps_its_promises() {
    let taken = fuzz(&files(), targets::import);
    assert!(taken > cases() / 20, "only {taken} jobs were read");
}
