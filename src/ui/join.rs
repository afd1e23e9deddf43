//! Joins the modules that a browser needs at the same time into one file.
//!
//! A browser takes some milliseconds for each file, however small it is, and texts that are compressed together are smaller.
//! So a file has a module that is loaded by its name, and before it all that it imports, each as a function that runs once and
//! returns what the module exports:
//!
//! ```js
//! import { $dom } from './main.js';
//! const $history = (() => {
//! ...
//! return { showHistory, hideHistory };
//! })();
//! ...
//! export { $history };
//! ```
//!
//! A module is in the first file that needs it. The others import its object from there, so that there is one instance of it.
//!
//! The modules are written in a form that makes this a matter of single lines, which tests check: all imports have the form
//! `import { a, b as c } from './x.js';` or `import * as x from './x.js';`, all exports are at declarations, and none is a
//! variable, whose later values an importing module would not see.

use std::collections::{BTreeMap, BTreeSet};

/// The texts of modules without comments, by their names, which have neither folder nor ending.
pub(super) type Modules = BTreeMap<&'static str, String>;

/// A file of joined modules.
pub(super) struct Joined {
    /// The name of the module that is loaded by it, and that no other one imports.
    pub(super) name: &'static str,
    /// The names of the modules, each after those that it imports.
    pub(super) members: Vec<&'static str>,
    pub(super) text: String,
}

/// Joins modules into a file for each of `entries`, those that are loaded by their names. What a file needs of another must be in
/// one that is loaded before it: an earlier entry.
pub(super) fn join(modules: &Modules, entries: &[&'static str]) -> Vec<Joined> {
    let mut placed = Vec::new();
    let mut files: Vec<_> = entries
        .iter()
        .map(|&name| {
            let known = placed.len();
            collect(name, modules, &mut placed);
            Joined {
                name,
                members: placed[known..].to_vec(),
                text: String::new(),
            }
        })
        .collect();
    let texts: Vec<_> = files
        .iter()
        .map(|file| text(file, &files, modules))
        .collect();
    for (file, text) in files.iter_mut().zip(texts) {
        file.text = text;
    }
    files
}

/// Adds the names of a module and of those that it needs, each after those that it imports.
fn collect(name: &str, modules: &Modules, placed: &mut Vec<&'static str>) {
    let known = modules.get_key_value(name);
    let Some((&name, text)) = known.filter(|_| !placed.contains(&name)) else {
        return;
    };
    for import in imports(text) {
        collect(import.module, modules, placed);
    }
    placed.push(name);
}

/// Returns the text of one of the files.
fn text(file: &Joined, files: &[Joined], modules: &Modules) -> String {
    let used_by = |file: &Joined| -> BTreeSet<_> {
        let texts = file.members.iter().filter_map(|name| modules.get(name));
        texts
            .flat_map(|text| imports(text))
            .map(|import| import.module)
            .collect()
    };
    let mut code = String::new();
    for other in files.iter().filter(|other| other.name != file.name) {
        let used = used_by(file).into_iter();
        let objects = objects(used.filter(|name| other.members.contains(name)));
        if !objects.is_empty() {
            code += &["import { ", &objects, " } from './", other.name, ".js';\n"].concat();
        }
    }
    for name in &file.members {
        let text = modules.get(name).map_or("", String::as_str);
        let body = with_constants(text);
        code += &if *name == file.name {
            body
        } else {
            function(name, &body, exports(text))
        };
    }
    let others = files.iter().filter(|other| other.name != file.name);
    let used: BTreeSet<_> = others.flat_map(used_by).collect();
    let objects = objects(used.into_iter().filter(|name| file.members.contains(name)));
    if !objects.is_empty() {
        code += &["export { ", &objects, " };\n"].concat();
    }
    code
}

/// Returns the list of the objects of modules.
fn objects<'t>(names: impl Iterator<Item = &'t str>) -> String {
    names.map(object).collect::<Vec<_>>().join(", ")
}

/// A statement that imports.
struct Import<'t> {
    /// The whole statement, without the end of its last line.
    statement: &'t str,
    /// What is imported, between `import` and `from`.
    what: &'t str,
    /// The name of the module.
    module: &'t str,
}

/// Returns the statements that import from the folder of the module.
fn imports(text: &str) -> impl Iterator<Item = Import<'_>> {
    let starts = text.match_indices("import ").map(|(at, _)| at);
    let starts = starts.filter(|&at| at == 0 || text[..at].ends_with('\n'));
    starts.filter_map(|at| {
        let (statement, _) = text[at..].split_once(";\n")?;
        let statement = &text[at..=at + statement.len()];
        let (what, module) = statement["import ".len()..].rsplit_once(" from './")?;
        let module = module.strip_suffix(".js';")?;
        Some(Import {
            statement,
            what,
            module,
        })
    })
}

/// Returns a module with constants in place of its imports.
fn with_constants(text: &str) -> String {
    let mut body = text.to_owned();
    for import in imports(text) {
        let object = object(import.module);
        let names = match import.what.strip_prefix("* as ") {
            Some(name) => name.to_owned(),
            None => import.what.replace(" as ", ": "),
        };
        body = body.replace(import.statement, &format!("const {names} = {object};"));
    }
    body
}

/// Returns the object of a module, made by a function that runs once.
fn function<'t>(name: &str, body: &str, exports: impl Iterator<Item = &'t str>) -> String {
    let object = object(name);
    let exports = exports.collect::<Vec<_>>().join(", ");
    let function = format!("const {object} = (() => {{\n{body}return {{ {exports} }};\n}})();\n");
    function.replace("\nexport ", "\n")
}

/// Returns the names that a module exports.
fn exports(text: &str) -> impl Iterator<Item = &str> {
    let declarations = text.lines().filter_map(|line| line.strip_prefix("export "));
    declarations.filter_map(|declaration| {
        let mut words = declaration.split([' ', '(']);
        words.find(|word| !["async", "function", "function*", "const", "class"].contains(word))
    })
}

/// Returns the name of the object that has what a module exports.
fn object(module: &str) -> String {
    format!("${}", module.replace('-', "_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODULES: [(&str, &str); 7] = [
        (
            "main",
            "/** Main. */\nimport { a,\n  b as c } from './two-words.js';\nimport * as dom from './dom.js';\n\nc(a, dom.$);\n",
        ),
        (
            "dom",
            "export const $ = 1;\nexport async function* el(a) {}\n",
        ),
        (
            "two-words",
            "import { $ } from './dom.js';\nexport function a() {}\nexport class b {}\nconst hidden = $;\n",
        ),
        (
            "later",
            "/** Later. */\nimport { a } from './two-words.js';\nimport { part } from './part.js';\nexport const later = part(a);\n",
        ),
        (
            "part",
            "import { shared } from './shared.js';\nexport const part = shared;\n",
        ),
        ("last", "import { shared } from './shared.js';\nshared();\n"),
        ("shared", "export const shared = String;\n"),
    ];

    fn joined(name: &str) -> Joined {
        let modules = MODULES.map(|(name, text)| (name, text.to_owned()));
        let files = join(&modules.into(), &["main", "later", "last"]);
        files.into_iter().find(|file| file.name == name).unwrap()
    }

    #[test]
    fn each_module_comes_once_and_after_those_that_it_imports() {
        let expected = "const $dom = (() => {\nconst $ = 1;\nasync function* el(a) {}\nreturn { $, el };\n})();\n\
             const $two_words = (() => {\nconst { $ } = $dom;\nfunction a() {}\nclass b {}\nconst hidden = $;\nreturn { a, b };\n})();\n\
             /** Main. */\nconst { a,\n  b: c } = $two_words;\nconst dom = $dom;\n\nc(a, dom.$);\n\
             export { $two_words };\n";
        let main = joined("main");
        assert_eq!(main.text, expected);
        assert_eq!(main.members, ["dom", "two-words", "main"]);
    }

    #[test]
    fn a_file_imports_from_others_what_is_in_them_already() {
        let expected = "import { $two_words } from './main.js';\nconst $shared = (() => {\n\
             const shared = String;\nreturn { shared };\n})();\n\
             const $part = (() => {\nconst { shared } = $shared;\nconst part = shared;\nreturn { part };\n})();\n\
             /** Later. */\nconst { a } = $two_words;\nconst { part } = $part;\nexport const later = part(a);\n\
             export { $shared };\n";
        assert_eq!(joined("later").text, expected);
        let expected =
            "import { $shared } from './later.js';\nconst { shared } = $shared;\nshared();\n";
        assert_eq!(joined("last").text, expected);
    }
}
