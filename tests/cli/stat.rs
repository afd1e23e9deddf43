//! `jobdeck stat`.

use crate::list::with_jobs;
use crate::{fails, ok};

#[test]
fn jobs_are_counted_in_groups() {
    let folder = with_jobs();
    for (arguments, expected) in [
        (
            &[][..],
            "status,jobs\nERROR,1\nIN_PROGRESS,1\nSUCCESS,1\nTIMEOUT,1\n",
        ),
        (&["--by", "collector"], "collector,jobs\n,2\nnova,2\n"),
        (
            &["--by", "collector", "--failed"],
            "collector,jobs\n,1\nnova,1\n",
        ),
        (
            &["--by", "provider,project"],
            "provider,project,jobs\n,,3\naws,p,1\n",
        ),
        (&["--by", "day"], "day,jobs\n2026-01-01,4\n"),
        (&["--by", "month"], "month,jobs\n2026-01,4\n"),
        (
            &["--by", "hour", "--limit", "2"],
            "hour,jobs\n2026-01-01T04,1\n2026-01-01T03,1\n",
        ),
        // Jobs are counted, and not errors.
        (&["--by", "error-code"], "error_code,jobs\nE1,1\nE2,1\n"),
        (
            &["--by", "error-code", "--duration"],
            "error_code,jobs,median,p95\nE1,1,192000,192000\nE2,1,,\n",
        ),
        (
            &["--by", "collector", "--duration", "nova"],
            "collector,jobs,median,p95\nnova,2,2000,192000\n",
        ),
        (
            &["--by", "day,collector", "--duration", "nova"],
            "day,collector,jobs,median,p95\n2026-01-01,nova,2,2000,192000\n",
        ),
        (&["nowhere"], "status,jobs\n"),
    ] {
        let given = [&["stat", "--domain", "d", "--format", "csv"], arguments].concat();
        assert_eq!(ok(folder.path(), &given), expected, "{arguments:?}");
    }
}

#[test]
fn statistics_have_formats() {
    let folder = with_jobs();
    let with = |arguments: &[&str]| {
        ok(
            folder.path(),
            &[
                &["stat", "--domain", "d", "--by", "collector", "--duration"],
                arguments,
            ]
            .concat(),
        )
    };
    let table = "COLLECTOR  JOBS  MEDIAN  95 % WITHIN\n–             2       –            –\nnova          2      2s        3m12s\n";
    assert_eq!(with(&[]), table);
    assert_eq!(
        with(&["--format", "ndjson"]),
        "{\"jobs\":2,\"median\":null,\"p95\":null}\n{\"collector\":\"nova\",\"jobs\":2,\"median\":2000,\"p95\":192000}\n"
    );
    assert!(with(&["--format", "json"]).starts_with("{\"results\":[{\"jobs\":2,"));
    // SpaceONE has no percentiles.
    assert!(with(&["--show-request"]).contains("/jobdeck/stat'"));
    let said = fails(folder.path(), &["stat", "--by", "day,status,day"], 2);
    assert!(
        said.starts_with("error: `--by day` is given twice"),
        "{said}"
    );
    let said = fails(folder.path(), &["stat", "--by", "duration"], 2);
    assert!(
        said.contains("[possible values: status, collector,"),
        "{said}"
    );
}
