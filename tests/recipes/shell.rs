//! The recipe for a shell script.

use std::os::unix::fs::PermissionsExt;

use crate::{FIXTURE, folder, nothing_is_left, program, run, said};

#[test]
fn a_shell_script_starts_queries_resets_and_stops_a_mock() {
    let folder = folder(&["tests/recipes/shell/ci.sh", FIXTURE]);
    let here = folder.path();
    let script = || run(program(here, "sh").arg("ci.sh"));
    let output = script();
    assert!(output.status.success(), "{}", said(&output));
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert_eq!(stdout, "all tests passed\n");
    nothing_is_left(here);

    // This curl stops the script, which has to stop the server, and answers as if it were healthy.
    let tools = here.join("tools");
    std::fs::create_dir(&tools).unwrap();
    std::fs::write(
        tools.join("curl"),
        "#!/bin/sh\necho ERROR_QUOTA\nkill -TERM $PPID\n",
    )
    .unwrap();
    std::fs::set_permissions(tools.join("curl"), PermissionsExt::from_mode(0o755)).unwrap();
    let mut stopped = program(here, "sh");
    let path = stopped
        .get_envs()
        .find_map(|(name, value)| (name == "PATH").then(|| value.unwrap().to_owned()))
        .unwrap();
    let mut with_tools = tools.into_os_string();
    with_tools.push(":");
    with_tools.push(path);
    let output = run(stopped.arg("ci.sh").env("PATH", with_tools));
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert_eq!(output.stdout, b"", "it went no further");
    nothing_is_left(here);

    // The script fails where a test fails or the server does not start.
    let fixture = here.join("fixtures/jobs.ndjson");
    std::fs::write(
        &fixture,
        "{\"job_id\": \"j\", \"domain_id\": \"domain-1\"}\n",
    )
    .unwrap();
    assert_eq!(script().status.code(), Some(1));
    nothing_is_left(here);
    std::fs::write(&fixture, "{\"job_id\": \"j\", \"stauts\": \"ERROR\"}\n").unwrap();
    let output = script();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).contains("fixtures/jobs.ndjson: line 1, column 17, job j, field stauts"),
        "{}",
        said(&output)
    );
    nothing_is_left(here);
}
