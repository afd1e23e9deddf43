//! The table of pages.

/// A page of the documentation.
#[derive(Debug)]
pub struct Page {
    /// The name in addresses and on the command line.
    pub name: &'static str,
    /// What the page is for, in one line.
    pub summary: &'static str,
    /// The Markdown.
    pub text: &'static str,
}

macro_rules! pages {
    ($($name:literal: $summary:literal),+ $(,)?) => {
        &[$(Page {
            name: $name,
            summary: $summary,
            text: include_str!(concat!("../../static/docs/", $name, ".md")),
        }),+]
    };
}

impl Page {
    /// Every page, in the order in which a new user reads them.
    pub const ALL: &[Self] = pages![
        "start": "From nothing to your own jobs: see it, store your jobs, use it as a mock",
        "documents": "Documents and files: what is read as jobs, CSV, mistakes, dry runs",
        "query": "Search and statistics: every operator and stage, with limits and errors",
        "grpc": "Connect spacectl and SpaceONE's services: methods, domain, errors, limits",
        "mock": "Test a client: fixtures, jobs that change by a script, faults, clocks, snapshots, the journal",
        "recipes": "Files to copy into your tests: pytest, Node, Vite, shell, Docker, SpaceONE",
        "page": "Find jobs in the browser: search, statistics, the journal, keys",
        "operate": "Run it for others: service, tokens, metrics, backup, upgrade, reverse proxy",
        "reliability": "What you can rely on: crashes, full disks, damaged files, load",
        "internals": "How it is built, and what it takes to change it",
    ];

    /// Finds a page by its name.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        Self::ALL.iter().find(|page| page.name == name)
    }

    /// Returns the title: the heading that the text begins with.
    #[must_use]
    pub fn title(&self) -> &'static str {
        let first = self.text.lines().next().unwrap_or_default();
        first.trim_start_matches('#').trim()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    #[test]
    fn the_table_names_every_page_of_the_folder() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("static/docs");
        let entries = std::fs::read_dir(folder).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let on_disk: BTreeSet<_> = names
            .filter_map(|name| Some(name.strip_suffix(".md")?.to_owned()))
            .collect();
        let in_table: BTreeSet<_> = Page::ALL.iter().map(|page| page.name.to_owned()).collect();
        assert_eq!(on_disk, in_table);
        assert_eq!(in_table.len(), Page::ALL.len());
    }

    #[test]
    fn every_page_begins_with_its_title() {
        for page in Page::ALL {
            assert!(page.text.starts_with("# "), "{}", page.name);
            assert!(!page.title().is_empty(), "{}", page.name);
        }
    }
}
