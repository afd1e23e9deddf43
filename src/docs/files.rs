//! The table of the files that pages show, and that users copy.

/// A file that is part of the documentation: a recipe, or one that runs a server.
#[derive(Debug)]
pub struct File {
    /// The name in addresses and on the command line, such as `deploy/jobdeck.service`.
    pub name: &'static str,
    pub text: &'static str,
}

macro_rules! files {
    ($($folder:literal: [$($name:literal),* $(,)?]),+ $(,)?) => {
        &[$($(File { name: $name, text: include_str!(concat!("../../", $folder, "/", $name)) },)*)+]
    };
}

impl File {
    /// Every file, in the order of their names.
    pub const ALL: &[Self] = files![
        "static/docs": [
            "deploy/Caddyfile",
            "deploy/Caddyfile-path",
            "deploy/Dockerfile",
            "deploy/alerts.yml",
            "deploy/backup.service",
            "deploy/backup.timer",
            "deploy/compose.yaml",
            "deploy/grafana-dashboard.json",
            "deploy/jobdeck-replica.conf",
            "deploy/jobdeck.service",
            "deploy/litestream-follow.service",
            "deploy/litestream.service",
            "deploy/litestream.yml",
            "deploy/nginx-path.conf",
            "deploy/nginx.conf",
            "deploy/prometheus.yml",
            "deploy/report-job.sh",
        ],
        "tests": [
            "recipes/fixtures/jobs.ndjson",
            "recipes/node-test/job.test.mjs",
            "recipes/node/inventory.mjs",
            "recipes/node/jobdeck.setup.mjs",
            "recipes/playwright/job.test.mjs",
            "recipes/playwright/playwright.config.mjs",
            "recipes/pytest/conftest.py",
            "recipes/pytest/test_inventory.py",
            "recipes/shell/ci.sh",
            "recipes/spaceone/conftest.py",
            "recipes/spaceone/requirements.txt",
            "recipes/spaceone/test_job_manager.py",
            "recipes/unittest/test_inventory.py",
            "recipes/vite/vite.config.mjs",
            "recipes/vitest/job.test.mjs",
            "recipes/vitest/vitest.config.mjs",
        ],
    ];

    /// Finds a file by its name.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        Self::ALL.iter().find(|file| file.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    /// What the tools of a recipe leave in its folder.
    const LEFT_BY_TOOLS: [&str; 3] = ["node_modules", "__pycache__", ".pytest_cache"];

    fn collect(folder: &Path, prefix: &str, names: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            if LEFT_BY_TOOLS.contains(&name.as_str()) {
                continue;
            }
            let path = format!("{prefix}/{name}");
            if entry.file_type().unwrap().is_dir() {
                collect(&entry.path(), &path, names);
            } else {
                names.insert(path);
            }
        }
    }

    #[test]
    fn the_table_names_every_file_of_the_folders() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut on_disk = BTreeSet::new();
        collect(&root.join("static/docs/deploy"), "deploy", &mut on_disk);
        collect(&root.join("tests/recipes"), "recipes", &mut on_disk);
        // What is next to the folders of the recipes is for their test alone.
        on_disk.retain(|name| name.starts_with("deploy/") || name.matches('/').count() > 1);
        let in_table: Vec<_> = File::ALL.iter().map(|file| file.name.to_owned()).collect();
        assert_eq!(in_table, Vec::from_iter(on_disk));
    }
}
