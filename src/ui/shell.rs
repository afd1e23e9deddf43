//! The frame of every page of the documentation, and the files that it loads.

use std::sync::LazyLock;

use super::files::{File, Folder, below_root, root_from};
use crate::docs::{Page, escape};
use crate::route::{API_PAGE, DOCS};

macro_rules! files {
    ([$($name:literal),+ $(,)?], [$($shared:literal),+ $(,)?]) => {
        [
            $(($name, include_str!(concat!("../../static/docs/assets/", $name)))),+,
            $(($shared, include_str!(concat!("../../static/", $shared)))),+,
        ]
    };
}

/// Every file that a page loads: those of the folder, with which a test compares the table, and those that the page of the
/// jobs has, too.
const FILES: [(&str, &str); 21] = files![
    [
        "api.css",
        "api.js",
        "api-answer.js",
        "api-blocks.js",
        "api-document.js",
        "api-field.js",
        "api-json.js",
        "api-operation.js",
        "api-prose.js",
        "api-request.js",
        "api-schema.js",
        "api-token.js",
        "api-try.js",
        "docs.css",
        "docs.js",
        "theme.js",
    ],
    [
        "icon.svg",
        "js/curl.js",
        "js/root.js",
        "js/storage.js",
        "js/token.js"
    ]
];
/// A page whose parts are missing: `<!-- NAME -->` is where each belongs.
const TEMPLATE: &str = include_str!("../../static/docs/assets/shell.html");
/// What the page of the API loads in addition.
const API_HEAD: &str = "<link rel=\"stylesheet\" href=\"assets/api.css\">\n\
     <script type=\"module\" src=\"assets/api.js\"></script>";

pub(super) static FOLDER: LazyLock<Folder> = LazyLock::new(|| {
    let files = FILES.map(|(name, text)| File::of(name, text));
    Folder::new(files.into(), TEMPLATE)
});

/// What differs between pages. All but the title and the path is HTML.
pub(super) struct Content<'c> {
    pub(super) title: &'c str,
    /// The path of the page, which is marked in the list of pages, and to which all addresses are relative.
    pub(super) path: &'c str,
    /// The list of links to the headings; empty where the page has none.
    pub(super) contents: &'c str,
    pub(super) main: &'c str,
}

/// Returns the HTML of a page.
pub(super) fn frame(content: &Content) -> String {
    let root = root_from(content.path);
    let template = FOLDER.locate(TEMPLATE, &root);
    let mut html = String::new();
    let mut rest = template.as_str();
    // One walk over the template, so that no text of a page is taken for a slot.
    while let Some((before, after)) = rest.split_once("<!-- ") {
        let (slot, after) = after.split_once(" -->").unwrap_or((after, ""));
        html += before;
        match slot {
            "title" => html += &escape(content.title),
            "root" => html += &root,
            "head" if content.path == API_PAGE => html += &FOLDER.locate(API_HEAD, &root),
            "pages" => html += &pages(content.path, &root),
            "contents" => html += content.contents,
            "main" => html += content.main,
            _ => {}
        }
        rest = after;
    }
    html + rest
}

/// Returns the items of the list of pages.
fn pages(current: &str, root: &str) -> String {
    let pages = Page::ALL.iter().map(|page| (path_of(page), page.title()));
    let links = pages.chain([(API_PAGE.to_owned(), "API")]);
    let items = links.map(|(path, title)| {
        let mark = if path == current {
            " aria-current=\"page\""
        } else {
            ""
        };
        let path = below_root(&path);
        format!(
            "<li><a href=\"{root}{path}\"{mark}>{}</a></li>\n",
            escape(title)
        )
    });
    items.collect()
}

/// Returns the path of a page.
pub(super) fn path_of(page: &Page) -> String {
    format!("{DOCS}/{}", page.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    #[test]
    fn the_table_names_every_file_of_the_folder() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("static/docs/assets");
        let entries = std::fs::read_dir(folder).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        // The HTML is part of the pages.
        let on_disk: BTreeSet<_> = names.filter(|name| !name.contains(".html")).collect();
        let in_table = FILES.iter().map(|(name, _)| (*name).to_owned());
        let in_table: BTreeSet<_> = in_table
            .filter(|name| name != "icon.svg" && !name.starts_with("js/"))
            .collect();
        assert_eq!(on_disk, in_table);
    }

    #[test]
    fn no_line_is_longer_than_140_columns() {
        let texts = FILES.iter().map(|(_, text)| *text);
        let lines = texts.chain([TEMPLATE]).flat_map(str::lines);
        let long: Vec<_> = lines.filter(|line| line.chars().count() > 140).collect();
        assert!(long.is_empty(), "{long:#?}");
    }

    #[test]
    fn the_colours_are_those_of_the_page() {
        let colours = |text: &'static str| -> Vec<&str> {
            let lines = text.lines().map(str::trim);
            lines.filter(|line| line.starts_with("--")).collect()
        };
        let of_page = colours(include_str!("../../static/style.css"));
        let shared = colours(include_str!("../../static/docs/assets/docs.css"));
        let shared = shared.iter().filter(|line| !line.starts_with("--found"));
        let other: Vec<_> = shared.filter(|line| !of_page.contains(line)).collect();
        assert!(other.is_empty(), "{other:#?}");
    }

    /// The ids of headings have no capitals.
    #[test]
    fn no_id_of_the_frame_can_be_that_of_a_heading() {
        let ids = TEMPLATE.split(" id=\"").skip(1);
        let ids: Vec<_> = ids.filter_map(|rest| rest.split('"').next()).collect();
        assert!(ids.len() > 5, "{ids:?}");
        for id in ids {
            assert!(id.chars().any(char::is_uppercase), "{id}");
        }
    }

    #[test]
    fn a_slot_in_the_text_of_a_page_stays_text() {
        let html = frame(&Content {
            title: "<b> & \"c\"",
            path: "/docs/query",
            contents: "<ul></ul>",
            main: "<p>\"assets/docs.css\" <!-- title --></p>",
        });
        assert!(
            html.contains("<title>&lt;b&gt; &amp; &quot;c&quot; · jobdeck</title>"),
            "{html}"
        );
        assert!(
            html.contains("<p>\"assets/docs.css\" <!-- title --></p>"),
            "{html}"
        );
        assert_eq!(html.matches("aria-current=\"page\"").count(), 1, "{html}");
        assert!(!html.contains("src=\"assets/docs.js"), "{html}");
    }
}
