//! Links and pictures lead to files and headings that exist.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use crate::ROOT;
use crate::page::Page;

/// The links and pictures of a page that lead nowhere. `pages` are all pages.
pub(crate) fn dead(page: &Page, pages: &[Page]) -> Vec<String> {
    let mut faults = Vec::new();
    for link in page.links.iter().chain(&page.images) {
        let target = link.target.as_str();
        if target.starts_with("https://") || target.starts_with("http://") {
            continue;
        }
        let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
        let path = resolve(&page.path, file);
        let other = if file.is_empty() {
            Some(page)
        } else {
            pages.iter().find(|page| Path::new(&page.path) == path)
        };
        let problem = match other {
            None if !Path::new(ROOT).join(&path).is_file() => Some("no such file"),
            None if !anchor.is_empty() => Some("no page"),
            Some(other) if !anchor.is_empty() && !other.has_anchor(anchor) => {
                Some("no such heading")
            }
            _ => None,
        };
        faults.extend(problem.map(|problem| page.fault(link.line, format!("{problem}: {target}"))));
    }
    faults
}

/// The path of a file that a page at `from` names, from the root of the repository.
fn resolve(from: &str, file: &str) -> PathBuf {
    let mut path = PathBuf::from(from);
    path.pop();
    for part in Path::new(file).components() {
        match part {
            Component::ParentDir => {
                path.pop();
            }
            Component::CurDir => {}
            part => path.push(part),
        }
    }
    path
}

/// The recipes and the files to deploy, which pages show.
pub(crate) fn files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    let recipes = std::fs::read_dir(Path::new(ROOT).join("tests/recipes")).unwrap();
    for entry in recipes.map(Result::unwrap) {
        if entry.path().is_dir() && entry.file_name() != "node_modules" {
            collect(&entry.path(), &mut files);
        }
    }
    collect(&Path::new(ROOT).join("static/docs/deploy"), &mut files);
    files
}

/// The files that no page links to.
pub(crate) fn files_not_shown(pages: &[Page], files: &[PathBuf]) -> Vec<String> {
    let links = pages.iter().flat_map(|page| {
        page.links
            .iter()
            .map(|link| resolve(&page.path, &link.target))
    });
    let shown: BTreeSet<_> = links.collect();
    let files = files.iter().map(|file| file.strip_prefix(ROOT).unwrap());
    files
        .filter(|file| !shown.contains(*file))
        .map(|file| format!("no page links to {}", file.display()))
        .collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}

#[test]
fn links_that_lead_nowhere_are_found() {
    let query = Page::parse("static/docs/query.md", "# Query\n\n## Paths: `a.b`\n");
    let text = "# Mock\n\n[a](query.md#paths-ab) [b](#mock) [c](https://spaceone.org) [d](../../schema.sql) [e](query.md)\n\
        [f](query.md#path)\n[g](#mok)\n[h](../schema.sql)\n[i](missing.md)\n[j](../../schema.sql#a)\n![k](missing.png)\n[l](deploy)\n[m](http://127.0.0.1:8080)\n";
    let mock = Page::parse("static/docs/mock.md", text);
    let pages = [query, mock];
    let expected = [
        "4: no such heading: query.md#path",
        "5: no such heading: #mok",
        "6: no such file: ../schema.sql",
        "7: no such file: missing.md",
        "8: no page: ../../schema.sql#a",
        "10: no such file: deploy",
        "9: no such file: missing.png",
    ];
    let expected = expected.map(|problem| format!("static/docs/mock.md:{problem}"));
    assert_eq!(dead(&pages[1], &pages), expected);
}

#[test]
fn a_file_that_no_page_shows_is_found() {
    let page = Page::parse(
        "static/docs/operate.md",
        "[a](deploy/a.service) [b](../../tests/recipes/b/b.py)\n",
    );
    let files = [
        "static/docs/deploy/a.service",
        "tests/recipes/b/b.py",
        "tests/recipes/b/c.py",
    ];
    let files = files.map(|file| Path::new(ROOT).join(file));
    assert_eq!(
        files_not_shown(&[page], &files),
        ["no page links to tests/recipes/b/c.py"]
    );
}
