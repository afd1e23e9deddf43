//! Measures an import against the bare loop: of generated documents, and of richer ones.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use jobdeck::job::Job;
use serde_json::{Value, json};

use crate::common::{self, median};

/// How often an import is measured, and the bare loop in turns with it.
const IMPORTS: usize = 3;

/// Measures imports of these generated jobs, and leaves their database.
pub(crate) fn measure(size: u64, lines: &Path, database: &Path) {
    let folder = tempfile::tempdir_in(database.parent().unwrap()).unwrap();
    let richer = folder.path().join("richer.ndjson");
    enrich(lines, &richer);
    let richer_database = folder.path().join("richer.db");
    measure_one(
        "Import of richer documents",
        size,
        &richer,
        &richer_database,
    );
    measure_one("Import", size, lines, database);
}

/// Measures `jobdeck import` against a bare loop.
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn measure_one(what: &str, size: u64, lines: &Path, database: &Path) {
    // The two take turns.
    let imports: Vec<_> = (0..IMPORTS)
        .map(|_| {
            let _ = std::fs::remove_file(database);
            common::import(lines, database)
        })
        .collect();
    let ours = median(imports.iter().map(|import| import.jobdeck).collect()).as_secs_f64();
    let bare = median(imports.iter().map(|import| import.bare).collect()).as_secs_f64();
    let peak = imports.iter().map(|import| import.peak).max();
    println!(
        "{what}: {ours:.2} s, a bare loop {bare:.2} s, ratio {:.2}; {:.0} rows/s, {:.2} of the bare loop; peak memory {} kB",
        ours / bare,
        size as f64 / ours,
        bare / ours,
        peak.unwrap()
    );
    let bytes = |path: &Path| std::fs::metadata(path).unwrap().len() as f64 / size as f64;
    println!(
        "Bytes a job: NDJSON {:.0}, database {:.0}\n",
        bytes(lines),
        bytes(database)
    );
}

/// Writes the documents of a file with more in them, to another: a filter, options of the plugin that differ from job to
/// job, and errors with what is additional to them in every fourth job.
fn enrich(lines: &Path, richer: &Path) {
    let source = BufReader::new(File::open(lines).unwrap());
    let mut out = BufWriter::new(File::create(richer).unwrap());
    for (line, number) in source.lines().zip(0..) {
        let mut job: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let region = format!("region-{}", number % 40);
        job["filter"] =
            json!({"region_id": [region], "resource_id": [], "is_full": number % 2 == 0});
        job["collector_info"]["plugin_info"]["options"] =
            json!({"regions": [region], "cloud_service_types": ["Server", "Database"]});
        let errors = job["errors"].as_array_mut().unwrap();
        if number % 4 == 0 && errors.is_empty() {
            errors.push(json!({
                "error_code": format!("ERROR_{}", number % 23),
                "message": format!("the \"request\" for {region} was refused; try again after {} seconds", number % 60),
                "additional": {"cloud_service_group": "ComputeEngine", "region_code": region, "attempts": number % 5}
            }));
        }
        let job = Job::from_json(job.to_string().as_bytes()).unwrap();
        writeln!(out, "{}", job.to_document()).unwrap();
    }
    out.flush().unwrap();
}
