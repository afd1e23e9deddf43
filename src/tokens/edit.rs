//! Lists, adds and removes the tokens of a file. What else is in the file stays as it is.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::Path;
use std::sync::Arc;

use toml_edit::{Array, ArrayOfTables, DocumentMut, Item, value};

use super::file::{TokenFileError, parse, read};
use super::grant::Grant;
use super::new_token::NewToken;

/// The member of the file that has the tokens.
const TOKENS: &str = "token";

/// Returns the grants of the tokens of a file, by name.
///
/// # Errors
/// [`TokenFileError`].
pub fn list_tokens(path: &Path) -> Result<Vec<Arc<Grant>>, TokenFileError> {
    Ok(parse(path, &read(path)?)?.grants())
}

/// Adds a token to the end of a file, which is made where there is none, for its owner alone. Returns its grant.
///
/// # Errors
/// [`TokenFileError`]; the file is as it was then. So it is where it has another token of this name.
pub fn add_token(path: &Path, token: &NewToken) -> Result<Arc<Grant>, TokenFileError> {
    let content = match read(path) {
        Err(TokenFileError::NotFound(_)) => Vec::new(),
        content => content?,
    };
    let mut text = String::new();
    if !content.is_empty() {
        let mut document = document(path, &content)?;
        let is_empty = |tokens: &Item| tokens.as_array().is_some_and(Array::is_empty);
        if document.get(TOKENS).is_some_and(is_empty) {
            // As `remove_token` leaves it where it removes the last one; a table can't follow it.
            document.remove(TOKENS);
        }
        text = document.to_string();
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        if !text.is_empty() {
            text.push('\n');
        }
    }
    text.push_str(&token.entry);
    let grants = parse(path, text.as_bytes())?.grants();
    let of_entry = parse(path, token.entry.as_bytes())?.grants();
    let is_added = |grant: &&Arc<Grant>| of_entry.iter().any(|added| added.name == grant.name);
    let Some(grant) = grants.iter().find(is_added) else {
        return Err(TokenFileError::Io {
            path: path.to_owned(),
            source: std::io::Error::other("its form is not known, so add the entry by hand"),
        });
    };
    replace(path, &text)?;
    Ok(Arc::clone(grant))
}

/// Removes the token of a name from a file, with the comment directly above its entry. Returns its grant.
///
/// # Errors
/// [`TokenFileError`]; the file is as it was then.
pub fn remove_token(path: &Path, name: &str) -> Result<Arc<Grant>, TokenFileError> {
    let content = read(path)?;
    let grants = parse(path, &content)?.grants();
    let Some(grant) = grants.iter().find(|grant| grant.name == name) else {
        let names = grants.iter().map(|grant| grant.name.as_str());
        return Err(TokenFileError::NoToken {
            path: path.to_owned(),
            name: name.to_owned(),
            known: names.collect::<Vec<_>>().join(", "),
        });
    };
    let mut document = document(path, &content)?;
    let is_named = |found: Option<&Item>| found.and_then(Item::as_str) == Some(name);
    match document.get_mut(TOKENS) {
        Some(Item::ArrayOfTables(tables)) => {
            let index = tables.iter().position(|table| is_named(table.get("name")));
            let left = index.map(|index| remove_table(tables, index));
            let is_last = tables.is_empty();
            if let Some(Some(left)) = left {
                let trailing = document.trailing().as_str().unwrap_or_default();
                document.set_trailing(format!("{left}{trailing}"));
            }
            if is_last {
                document.insert(TOKENS, value(Array::new()));
            }
        }
        Some(Item::Value(tokens)) => {
            if let Some(tokens) = tokens.as_array_mut() {
                tokens.retain(|token| {
                    let own = token.as_inline_table().and_then(|token| token.get("name"));
                    own.and_then(|own| own.as_str()) != Some(name)
                });
            }
        }
        _ => {}
    }
    let text = document.to_string();
    let left = parse(path, text.as_bytes())?.grants();
    if left.len() + 1 != grants.len() || left.iter().any(|grant| grant.name == name) {
        return Err(TokenFileError::Io {
            path: path.to_owned(),
            source: std::io::Error::other("its form is not known, so remove the entry by hand"),
        });
    }
    replace(path, &text)?;
    Ok(Arc::clone(grant))
}

/// Removes a table with the comment directly above it. What a blank line separates from it stays: it is about the file, or
/// about what was above. It goes before the next table, and is returned where there is none.
fn remove_table(tables: &mut ArrayOfTables, index: usize) -> Option<String> {
    let prefix = tables.get(index).and_then(|table| table.decor().prefix());
    let above = prefix
        .and_then(|prefix| prefix.as_str())
        .unwrap_or_default();
    let stays = above
        .rfind("\n\n")
        .map_or("", |end| &above[..=end])
        .to_owned();
    tables.remove(index);
    let Some(next) = tables.get_mut(index) else {
        return Some(stays);
    };
    let own = next.decor().prefix().and_then(|prefix| prefix.as_str());
    let prefix = format!("{stays}{}", own.unwrap_or_default());
    next.decor_mut().set_prefix(prefix);
    None
}

/// Reads the document of a content that was parsed before.
fn document(path: &Path, content: &[u8]) -> Result<DocumentMut, TokenFileError> {
    let text = String::from_utf8_lossy(content);
    text.parse()
        .map_err(|error: toml_edit::TomlError| TokenFileError::Io {
            path: path.to_owned(),
            source: std::io::Error::other(error.message().replace('\n', ", ")),
        })
}

/// Replaces a file in one step by another with the same permissions and owner. A link stays a link.
fn replace(path: &Path, text: &str) -> Result<(), TokenFileError> {
    let io = |source| TokenFileError::Io {
        path: path.to_owned(),
        source,
    };
    let target = std::fs::canonicalize(path).unwrap_or_else(|_new| path.to_owned());
    let parent = target
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let folder = parent.unwrap_or(Path::new("."));
    // The error of tempfile would name the temporary file.
    let kind = |error: std::io::Error| io(error.kind().into());
    let mut file = tempfile::Builder::new()
        .prefix(".jobdeck-tokens-")
        .tempfile_in(folder)
        .map_err(kind)?;
    file.write_all(text.as_bytes()).map_err(kind)?;
    if let Ok(former) = std::fs::metadata(&target) {
        let own = file.as_file().metadata().map_err(io)?;
        if (own.uid(), own.gid()) != (former.uid(), former.gid()) {
            fchown(file.as_file(), Some(former.uid()), Some(former.gid())).map_err(io)?;
        }
        file.as_file()
            .set_permissions(former.permissions())
            .map_err(io)?;
    }
    file.as_file().sync_all().map_err(io)?;
    file.persist(&target).map_err(|error| io(error.error))?;
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(io)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::super::table::tests::entry;
    use super::*;

    fn hash(digit: char) -> String {
        digit.to_string().repeat(64)
    }

    /// A file with three tokens and comments, and its folder.
    fn setting() -> (tempfile::TempDir, std::path::PathBuf, [String; 3]) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.toml");
        let entries = [
            format!(
                "# The tokens of our server.\n\n# Of the pipeline.\n{}",
                entry("ci", "d", "read", &hash('1'))
            ),
            format!(
                "\n# Of Ann,\n# until May.\n{}",
                entry("ann", "*", "write", &hash('2')).replace("access", "  access  ")
            ),
            format!("\n{}# The end.\n", entry("last", "e", "read", &hash('3'))),
        ];
        std::fs::write(&path, entries.concat()).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        (folder, path, entries)
    }

    fn names(path: &Path) -> Vec<String> {
        let listed = list_tokens(path).unwrap();
        listed.iter().map(|grant| grant.name.clone()).collect()
    }

    #[test]
    fn a_removed_token_takes_its_own_comment_alone() {
        let (_folder, path, entries) = setting();
        assert_eq!(names(&path), ["ann", "ci", "last"]);
        let removed = remove_token(&path, "ann").unwrap();
        assert_eq!((&removed.domain_id, removed.may_write), (&None, true));
        let expected = format!("{}{}", entries[0], entries[2]);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), expected);
        remove_token(&path, "ci").unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("# The tokens of our server.\n"), "{text}");
        assert!(
            !text.contains("pipeline") && text.ends_with("# The end.\n"),
            "{text}"
        );
        remove_token(&path, "last").unwrap();
        assert_eq!(names(&path), Vec::<String>::new());
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(
            text.contains("# The tokens of our server.\n") && text.contains("token = []"),
            "{text}"
        );
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o640);
        let new = NewToken::generate("d", false, Some("new")).unwrap();
        add_token(&path, &new).unwrap();
        assert_eq!(names(&path), ["new"]);
    }

    #[test]
    fn an_added_token_follows_the_others() {
        let (folder, path, entries) = setting();
        let new = NewToken::generate("d", false, Some("new")).unwrap();
        add_token(&path, &new).unwrap();
        let expected = format!("{}\n{}", entries.concat(), new.entry);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), expected);
        let error = add_token(&path, &new).unwrap_err().to_string();
        assert!(error.contains("another token is called `new`"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), expected);
        let other = folder.path().join("other.toml");
        add_token(&other, &new).unwrap();
        assert_eq!(std::fs::read_to_string(&other).unwrap(), new.entry);
        assert_eq!(std::fs::metadata(&other).unwrap().mode() & 0o777, 0o600);
        let link = folder.path().join("link.toml");
        std::os::unix::fs::symlink("other.toml", &link).unwrap();
        remove_token(&link, "new").unwrap();
        assert!(link.is_symlink());
        assert_eq!(names(&other), Vec::<String>::new());
    }

    #[test]
    fn an_inline_array_is_read_and_an_unknown_name_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.toml");
        let inline = |name: &str, digit| {
            format!(
                "{{name = \"{name}\", domain_id = \"d\", access = \"read\", sha256 = \"{}\"}}",
                hash(digit)
            )
        };
        let text = format!(
            "token = [{}, {}] # both\n",
            inline("a", '1'),
            inline("b", '2')
        );
        std::fs::write(&path, &text).unwrap();
        let error = remove_token(&path, "c").unwrap_err().to_string();
        assert!(
            error.ends_with("there is no token `c`; its tokens are a, b"),
            "{error}"
        );
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        remove_token(&path, "a").unwrap();
        assert_eq!(names(&path), ["b"]);
        assert!(
            std::fs::read_to_string(&path)
                .unwrap()
                .ends_with("] # both\n")
        );
    }
}
