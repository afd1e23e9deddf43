//! The recipes for Python.

use std::path::Path;

use serde_json::json;

use crate::{FIXTURE, JOBDECK, Server, folder, nothing_is_left, program, run, said, text};

/// The Python that has what `tests/run` installs.
fn python() -> String {
    std::env::var("RECIPES_PYTHON").unwrap_or_else(|_| "python3".to_owned())
}

#[test]
#[ignore = "wants pytest; tests/run installs it"]
fn a_pytest_fixture_gives_each_test_a_domain() {
    let folder = folder(&[
        "tests/recipes/pytest/conftest.py",
        "tests/recipes/pytest/test_inventory.py",
    ]);
    let pytest = |arguments: &[&str], url: Option<&str>| {
        let mut command = program(folder.path(), python());
        command
            .args(["-m", "pytest", "-p", "no:cacheprovider"])
            .args(arguments)
            .envs(url.map(|url| ("JOBDECK_URL", url)));
        let output = run(&mut command);
        assert!(output.status.success(), "{}", said(&output));
        assert!(said(&output).contains("2 passed"), "{}", said(&output));
    };
    pytest(&[], None);
    pytest(&["-n", "2"], None);
    nothing_is_left(folder.path());
    let mut command = program(folder.path(), JOBDECK);
    command.args(["serve", "--mock", "--listen", "127.0.0.1:0"]);
    let server = Server::start(command);
    pytest(&["-n", "2"], Some(&server.url));
    let (_, domains) = server.get("/jobdeck/domains", "127.0.0.1");
    assert_eq!(domains["results"], json!([]), "each test has tidied up");
}

#[test]
#[ignore = "wants Python; tests/run runs it"]
fn python_alone_sees_that_a_client_repeats_a_request() {
    let folder = folder(&["tests/recipes/unittest/test_inventory.py"]);
    let mut command = program(folder.path(), python());
    let output = run(command.args(["-W", "error", "-m", "unittest"]));
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("Ran 1 test"), "{}", said(&output));
    nothing_is_left(folder.path());
}

#[test]
#[ignore = "wants pytest and spaceone-core in the environment of CLIENTS_BIN; tests/run installs it"]
fn a_service_of_spaceone_is_tested_with_its_own_connector() {
    let python = std::env::var("CLIENTS_BIN").map_or_else(
        |_| "python3".to_owned(),
        |folder| Path::new(&folder).join("python").display().to_string(),
    );
    let folder = folder(&[
        "tests/recipes/spaceone/conftest.py",
        "tests/recipes/spaceone/test_job_manager.py",
        FIXTURE,
    ]);
    let mut command = program(folder.path(), python);
    let output = run(command.args(["-m", "pytest", "-p", "no:cacheprovider"]));
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("3 passed"), "{}", said(&output));
    nothing_is_left(folder.path());
}

/// The test of the recipes installs what they say.
#[test]
fn the_clients_of_the_recipe_are_those_of_today() {
    let recipe = text("tests/recipes/spaceone/requirements.txt");
    let tested = text("tests/clients/requirements-today.txt");
    assert!(tested.contains(&recipe), "{recipe}");
}
