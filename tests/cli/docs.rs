//! `jobdeck docs`.

use std::io::Read;
use std::process::Stdio;

use jobdeck::docs::{File, Page};

use crate::{fails, folder, jobdeck, ok, text};

#[test]
fn docs_lists_pages_and_files() {
    let folder = folder();
    let list = ok(folder.path(), &["docs"]);
    for page in Page::ALL {
        let line = format!("  {:<13}{}\n", page.name, page.summary);
        assert!(list.contains(&line), "{line}: {list}");
    }
    for file in File::ALL {
        assert!(
            list.contains(&format!("  {}\n", file.name)),
            "{}",
            file.name
        );
    }
}

#[test]
fn docs_prints_a_page_without_the_codes_of_a_terminal() {
    let folder = folder();
    for page in Page::ALL {
        let printed = ok(folder.path(), &["docs", page.name]);
        assert!(
            printed.starts_with(&format!("# {}\n", page.title())),
            "{}",
            page.name
        );
        assert!(!printed.contains('\x1b'), "{}", page.name);
    }
}

#[test]
fn the_prose_of_a_page_has_at_most_80_columns() {
    let folder = folder();
    for page in Page::ALL {
        let printed = ok(folder.path(), &["docs", page.name]);
        let mut is_code = false;
        for line in printed.lines() {
            is_code ^= line.starts_with("```");
            // A word may be longer, such as an address.
            let is_wide = line.chars().count() > 80 && line.trim_start().contains("  ");
            assert!(
                is_code || !is_wide || line.contains("://"),
                "{}: {line}",
                page.name
            );
        }
        assert!(!is_code, "{}: a block of code is open", page.name);
    }
}

#[test]
fn docs_prints_a_file_byte_for_byte() {
    let folder = folder();
    for file in File::ALL {
        assert_eq!(ok(folder.path(), &["docs", file.name]), file.text);
    }
}

#[test]
fn an_unknown_name_is_wrong_usage_and_names_the_nearest() {
    let folder = folder();
    for (name, near) in [
        ("qurey", "query"),
        ("query.md", "query"),
        ("deploy/jobdek.service", "deploy/jobdeck.service"),
    ] {
        let refusal = fails(folder.path(), &["docs", name], 2);
        assert!(refusal.contains(&format!("'{near}'")), "{refusal}");
    }
    let refusal = fails(folder.path(), &["docs", "zzz"], 2);
    assert!(!refusal.contains("similar"), "{refusal}");
    assert!(
        refusal.contains("start, documents, query, grpc, mock"),
        "{refusal}"
    );
}

/// As `jobdeck docs query | head -1` does.
#[test]
fn a_reader_that_has_read_enough_is_no_failure() {
    let folder = folder();
    let mut child = jobdeck(folder.path())
        .args(["docs", "query"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 1];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
}

/// `script` is the terminal; that of other systems takes other options.
#[cfg(target_os = "linux")]
#[test]
fn a_terminal_gets_bold_headings_unless_they_are_refused() {
    let folder = folder();
    let run = |refusal: &[(&str, &str)]| {
        let mut command = std::process::Command::new("script");
        command
            .args(["--quiet", "--return", "--command"])
            .arg(format!("{} docs query", env!("CARGO_BIN_EXE_jobdeck")))
            .arg("/dev/null")
            .current_dir(folder.path())
            .env_remove("NO_COLOR")
            .envs(refusal.iter().copied());
        let output = command.output().unwrap();
        assert!(output.status.success());
        text(&output.stdout).to_owned()
    };
    let styled = run(&[]);
    assert!(
        styled.starts_with("\x1b[0;1mThe query language\x1b[0m"),
        "{styled:.100}"
    );
    let plain = run(&[("NO_COLOR", "1")]);
    assert!(plain.starts_with("# The query language"), "{plain:.100}");
    assert!(!plain.contains('\x1b'));
}
