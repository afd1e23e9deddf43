//! The path at which a proxy has the server, where it does not take that path off: `--base-path`.

use crate::json::names::shortened;
use crate::route::{Audience, Route};

/// An example that error messages name.
const EXAMPLE: &str = "/tools/jobs";

/// The path below which requests are answered, too. The default is the root, below which all of them are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BasePath(
    /// Begins with a slash and does not end with one; empty for the root.
    String,
);

/// How a path relates to a base path.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Within<'p> {
    /// It is one of the server's own.
    Elsewhere,
    /// It is below the base path; this is the rest, which begins with a slash.
    Below(&'p str),
    /// It is the base path without the slash at the end; with this, its last segment, a relative address begins.
    MissesSlash(&'p str),
}

impl BasePath {
    /// Reads a path. Slashes that are doubled or at the end do not matter.
    ///
    /// # Errors
    /// What the path has that it may not have, and what would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some((_, after)) = text.split_once("://") {
            let path = after.find('/').and_then(|start| after.get(start..));
            let path = path.map_or_else(|| EXAMPLE.to_owned(), shortened);
            return Err(format!(
                "expected the path alone, without scheme and host: `{path}`"
            ));
        }
        if !text.starts_with('/') {
            let path = shortened(&format!("/{text}"));
            let path = if text.is_empty() { EXAMPLE } else { &path };
            return Err(format!("expected a path that begins with `/`: `{path}`"));
        }
        let segments = text.split('/').filter(|segment| !segment.is_empty());
        let mut path = String::new();
        for segment in segments {
            if segment == "." || segment == ".." {
                return Err(format!(
                    "expected a path such as `{EXAMPLE}`, without `{segment}`"
                ));
            }
            if let Some(wrong) = segment.chars().find(|letter| !is_allowed(*letter)) {
                return Err(format!(
                    "expected a path such as `{EXAMPLE}`, of ASCII letters, digits, `-`, `.`, `_`, `~` and `/`, found {wrong:?}"
                ));
            }
            path.push('/');
            path.push_str(segment);
        }
        Ok(Self(path))
    }

    /// Compares a path with this one. A path that is one of the server's own, and nothing below this one, is the server's:
    /// a base path may be `/jobdeck`.
    pub(super) fn within<'p>(&self, path: &'p str) -> Within<'p> {
        match path.strip_prefix(&self.0) {
            _ if self.0.is_empty() => Within::Elsewhere,
            Some("") => Within::MissesSlash(path.rsplit('/').next().unwrap_or_default()),
            Some(rest) if rest.starts_with('/') && (is_known(rest) || !is_known(path)) => {
                Within::Below(rest)
            }
            _ => Within::Elsewhere,
        }
    }
}

/// Returns whether a segment may have this character: one that no browser escapes.
fn is_allowed(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "-._~".contains(letter)
}

/// Returns whether there is something at a path, of this server or of one with other switches.
fn is_known(path: &str) -> bool {
    let mut routes = Route::ALL.iter();
    Audience::of(path) == Audience::Page || routes.any(|route| route.parameter(path).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn base(text: &str) -> BasePath {
        BasePath::parse(text).unwrap()
    }

    #[test]
    fn a_path_is_read_without_the_slashes_that_do_not_matter() {
        for (text, expected) in [
            ("/tools/jobs", "/tools/jobs"),
            ("/tools/jobs/", "/tools/jobs"),
            ("//tools///jobs//", "/tools/jobs"),
            ("/a-b._~C9", "/a-b._~C9"),
            ("/.well-known/...", "/.well-known/..."),
            ("/", ""),
            ("//", ""),
        ] {
            assert_eq!(base(text), BasePath(expected.to_owned()), "{text}");
        }
        assert_eq!(base("/"), BasePath::default());
    }

    #[test]
    fn a_wrong_path_is_refused_with_the_right_form() {
        const LETTERS: &str = "expected a path such as `/tools/jobs`, of ASCII letters, digits, `-`, `.`, `_`, `~` and `/`, found ";
        for (text, expected) in [
            (
                "",
                "expected a path that begins with `/`: `/tools/jobs`".to_owned(),
            ),
            (
                "jobs",
                "expected a path that begins with `/`: `/jobs`".to_owned(),
            ),
            (
                "https://jobs.example/jobs",
                "expected the path alone, without scheme and host: `/jobs`".to_owned(),
            ),
            (
                "https://jobs.example",
                "expected the path alone, without scheme and host: `/tools/jobs`".to_owned(),
            ),
            (
                "/a/../b",
                "expected a path such as `/tools/jobs`, without `..`".to_owned(),
            ),
            (
                "/./b",
                "expected a path such as `/tools/jobs`, without `.`".to_owned(),
            ),
            ("/jobs?a=b", format!("{LETTERS}'?'")),
            ("/jobs#a", format!("{LETTERS}'#'")),
            ("/jobs/*", format!("{LETTERS}'*'")),
            ("/a b", format!("{LETTERS}' '")),
            ("/a%20b", format!("{LETTERS}'%'")),
            ("/a\\b", format!("{LETTERS}'\\\\'")),
            ("/작업", format!("{LETTERS}'작'")),
        ] {
            assert_eq!(BasePath::parse(text), Err(expected), "{text}");
        }
    }

    #[test]
    fn a_path_is_below_the_base_path_or_the_servers_own() {
        use Within::{Below, Elsewhere, MissesSlash};
        for (base_path, path, expected) in [
            ("/tools/jobs", "/tools/jobs/", Below("/")),
            ("/tools/jobs", "/tools/jobs/check", Below("/check")),
            ("/tools/jobs", "/tools/jobs/no", Below("/no")),
            ("/tools/jobs", "/tools/jobs//", Below("//")),
            ("/tools/jobs", "/tools/jobs", MissesSlash("jobs")),
            ("/tools/jobs", "/tools/jobs-2/check", Elsewhere),
            ("/tools/jobs", "/tools", Elsewhere),
            ("/tools/jobs", "/check", Elsewhere),
            ("/tools/jobs", "/", Elsewhere),
            ("/", "/", Elsewhere),
            ("/", "/check", Elsewhere),
            // What the base path and the server's own paths have in common is the server's, where it has nothing else there.
            ("/jobdeck", "/jobdeck", MissesSlash("jobdeck")),
            ("/jobdeck", "/jobdeck/", Below("/")),
            (
                "/jobdeck",
                "/jobdeck/jobdeck/about",
                Below("/jobdeck/about"),
            ),
            ("/jobdeck", "/jobdeck/about", Elsewhere),
            ("/jobdeck", "/jobdeck/jobs/docs", Elsewhere),
            ("/jobdeck", "/jobdeck/check", Below("/check")),
            ("/jobdeck", "/jobdeck/docs/query", Below("/docs/query")),
            ("/inventory", "/inventory/v1/jobs", Elsewhere),
            (
                "/inventory",
                "/inventory/inventory/v1/jobs",
                Below("/inventory/v1/jobs"),
            ),
            ("/docs", "/docs/query", Elsewhere),
            ("/docs", "/docs/docs/query", Below("/docs/query")),
        ] {
            assert_eq!(
                base(base_path).within(path),
                expected,
                "{base_path}: {path}"
            );
        }
    }
}
