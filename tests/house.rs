//! The layers of src/lib.rs: a module imports only from lines below its own.
#![cfg(test)]

use std::path::{Path, PathBuf};

/// From the top; what stands on one line does not know its neighbours.
const LAYERS: [&[&str]; 9] = [
    &["server"],
    &["api", "ui"],
    &["mock"],
    &["transfer", "demo", "route"],
    &["store"],
    &["query"],
    &["job"],
    &["clock", "tokens"],
    &["json", "time"],
];
/// What only some may use.
const DRIVERS: [(&str, &[&str]); 9] = [
    ("actix_web", &["server", "api", "ui"]),
    ("actix_cors", &["api"]),
    // The command line's alone, for `healthcheck` and for service managers.
    ("ureq", &[]),
    ("sd_notify", &[]),
    ("prometheus_client", &["api"]),
    ("tokio", &["server", "api", "mock"]),
    ("rusqlite", &["store"]),
    ("r2d2", &["store"]),
    ("utoipa", &["api", "job", "mock", "query", "route"]),
];

fn layer(module: &str) -> usize {
    let found = LAYERS.iter().position(|layer| layer.contains(&module));
    found.unwrap_or_else(|| panic!("{module} is in no layer"))
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else {
            found.push(path);
        }
    }
}

#[test]
fn no_module_imports_from_above() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut seen = 0;
    for path in files {
        let inside = path
            .strip_prefix(&root)
            .unwrap()
            .to_string_lossy()
            .replace(".rs", "");
        let module = inside.split('/').next().unwrap();
        if ["lib", "main", "cli"].contains(&module) {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        // Tests may reach further.
        let code = text.split("#[cfg(test)]").next().unwrap();
        for used in code.split("crate::").skip(1) {
            let used: String = used
                .chars()
                .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
                .collect();
            seen += 1;
            // The two doors of actix share a line, and the page answers a wrong method as the routes do.
            let is_neighbour = (module, used.as_str()) == ("ui", "api");
            assert!(
                used == module || is_neighbour || layer(&used) > layer(module),
                "{} imports {used}, which is not below {module}",
                path.display()
            );
        }
        for (driver, users) in DRIVERS {
            let uses =
                code.contains(&format!("use {driver}::")) || code.contains(&format!(" {driver}::"));
            assert!(
                !uses || users.contains(&module),
                "{} uses {driver}",
                path.display()
            );
        }
    }
    assert!(seen > 50, "only {seen} imports were seen");
}
