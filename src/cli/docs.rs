//! `docs`: prints the documentation.

use std::io::{IsTerminal, Write};

use clap::Args;
use clap::builder::PossibleValuesParser;
use jobdeck::docs::{File, Page, Terminal};

use super::failure::Failure;
use super::output::output_failure;

#[derive(Debug, Args)]
pub(super) struct DocsArgs {
    /// The page, or the file, which is printed as it is [default: the list of both]
    #[arg(value_name = "NAME", value_parser = PossibleValuesParser::new(names()), hide_possible_values = true)]
    name: Option<String>,
}

/// The name of everything that can be printed.
fn names() -> Vec<&'static str> {
    let pages = Page::ALL.iter().map(|page| page.name);
    pages
        .chain(File::ALL.iter().map(|file| file.name))
        .collect()
}

/// Prints a page, a file, or the list of them.
pub(super) fn docs(args: &DocsArgs) -> Result<(), Failure> {
    let name = args.name.as_deref().unwrap_or_default();
    let text = match (Page::find(name), File::find(name)) {
        (Some(page), _) => terminal().print(page.text),
        (None, Some(file)) => file.text.to_owned(),
        (None, None) => list(),
    };
    let mut out = std::io::stdout();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|source| output_failure("standard output", source))
}

/// Returns what standard output can show: styles only where it is a terminal and the user has not refused them.
fn terminal() -> Terminal {
    /// Longer lines are hard to read.
    const MAX_WIDTH: usize = 100;
    const UNKNOWN_WIDTH: usize = 80;

    let size = terminal_size::terminal_size();
    let is_refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    Terminal {
        width: size.map_or(UNKNOWN_WIDTH, |(width, _)| {
            usize::from(width.0).min(MAX_WIDTH)
        }),
        has_styles: std::io::stdout().is_terminal() && !is_refused,
    }
}

fn list() -> String {
    let mut lines = vec!["Pages, printed by `jobdeck docs NAME`:".to_owned()];
    let pages = Page::ALL.iter();
    lines.extend(pages.map(|page| format!("  {:<13}{}", page.name, page.summary)));
    lines.push("\nFiles, printed as they are by `jobdeck docs NAME`:".to_owned());
    lines.extend(File::ALL.iter().map(|file| format!("  {}", file.name)));
    lines.push("\nA server has all of them at /docs, with a page of its API.\n".to_owned());
    lines.join("\n")
}
