//! The routes in the document are those of the server, and depend on its switches.

use std::collections::{BTreeMap, BTreeSet};

use jobdeck::api::{Switches, describe};
use jobdeck::route::{Effect, Route, Switch};

use super::document::{described, everything};
use crate::app::App;

/// The table of routes: each path with its methods, in lower case.
fn routes() -> BTreeMap<String, BTreeSet<String>> {
    let mut routes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let over_http = |route: &&Route| !matches!(route.switch(), Switch::Grpc | Switch::WritableGrpc);
    for route in Route::ALL.iter().filter(over_http) {
        let methods = route
            .methods()
            .iter()
            .map(|method| method.to_ascii_lowercase());
        let known = routes.entry(route.path().to_owned()).or_default();
        known.extend(methods);
    }
    routes
}

#[test]
fn the_document_has_every_route() {
    let document = everything();
    let mut described: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (path, method, _) in document.operations() {
        let methods = described.entry(path.to_owned()).or_default();
        methods.insert(method.to_owned());
    }
    assert_eq!(described, routes());
}

/// The document of a server without a switch has nothing of what the switch adds.
#[test]
fn a_server_describes_only_the_routes_that_it_has() {
    let app = App::with_jobs("");
    let served = app.get("/openapi.json");
    let none = Switches {
        is_writable: false,
        is_mock: false,
        has_grpc: false,
    };
    let plain = describe(none, false);
    assert_eq!(served.text.as_bytes(), plain.json());
    assert_eq!(served.header("cache-control"), Some("no-cache"));
    assert!(served.header("etag").is_some());

    let switches = [(false, false), (true, false), (true, true)];
    let documents = switches.map(|(is_writable, is_mock)| described(is_writable, is_mock));
    let paths = documents.each_ref().map(|document| {
        let paths = document.0["paths"].as_object().unwrap();
        paths.keys().cloned().collect::<BTreeSet<_>>()
    });
    let is_own = |path: &String, own: &[&str]| own.iter().any(|one| path.starts_with(one));
    let [plain, writable, mock] = &paths;
    assert!(plain.is_subset(writable) && writable.is_subset(mock));
    let writing = [
        "/jobdeck/jobs",
        "/inventory/job/delete",
        "/inventory/v1/job/delete",
    ];
    let controls = ["clock", "faults", "journal", "reset", "snapshots"];
    let controls = controls.map(|name| format!("/jobdeck/{name}"));
    let controls = controls.each_ref().map(String::as_str);
    assert!(
        !plain
            .iter()
            .any(|path| is_own(path, &writing) || is_own(path, &controls))
    );
    assert!(
        writable
            .difference(plain)
            .all(|path| is_own(path, &writing))
    );
    assert!(
        mock.difference(writable)
            .all(|path| is_own(path, &controls))
    );
    let lives = documents.each_ref().map(|document| {
        let text = document.0.to_string();
        (text.contains("\"life\""), text.contains("\"Step\""))
    });
    assert_eq!(lives, [(false, false), (false, false), (true, true)]);
    for document in &documents {
        let text = document.0.to_string();
        let references = text.split("\"$ref\":\"#").skip(1);
        for reference in references.map(|rest| rest.split('"').next().unwrap()) {
            assert!(document.0.pointer(reference).is_some(), "{reference}");
        }
    }
}

/// Readers of the document find each operation by its tag, and are warned of those that write.
#[test]
fn every_operation_has_a_tag_of_the_document_and_says_whether_it_writes() {
    for (is_writable, is_mock) in [(false, false), (true, false), (true, true)] {
        let document = described(is_writable, is_mock);
        let tags = document.0["tags"].as_array().unwrap();
        let names = tags.iter().map(|tag| tag["name"].as_str().unwrap());
        let names: BTreeSet<_> = names.collect();
        let mut used = BTreeSet::new();
        for (path, method, operation) in document.operations() {
            used.insert(operation["tags"][0].as_str().unwrap());
            let route = Route::find(&method.to_ascii_uppercase(), path).unwrap();
            let writes = operation["x-writes"] == true;
            assert_eq!(writes, route.effect() == Effect::Writes, "{method} {path}");
        }
        assert_eq!(used, names);
    }
}
