//! Joins the modules that a visit begins with into one file.
//!
//! A browser takes some milliseconds for each file, however small it is. So each module becomes a function that runs once and
//! returns what the module exports, after those that it imports:
//!
//! ```js
//! const $dom = (() => {
//! ...
//! return { $, el };
//! })();
//! ```
//!
//! The file exports these objects. Modules that are loaded later import them from it, so that there is one instance of each.
//!
//! The modules are written in a form that makes this a matter of single lines, which tests check: all imports have the form
//! `import { a, b as c } from './x.js';` or `import * as x from './x.js';`, all exports are at declarations, and none is a
//! variable, whose later values an importing module would not see.

use std::collections::BTreeMap;

/// The texts of modules by their names, which have neither folder nor ending.
pub(super) type Modules<'t> = BTreeMap<&'t str, &'t str>;

/// Returns the file of a module, and of all that it needs.
pub(super) fn join(main: &str, modules: &Modules) -> String {
    let mut joined = Vec::new();
    collect(main, modules, &mut joined);
    let mut code = String::new();
    for name in &joined {
        let text = modules.get(name).copied().unwrap_or_default();
        let (body, _) = with_constants(text, modules);
        let exported = exports(text).collect::<Vec<_>>().join(", ");
        let object = object(name);
        let function =
            format!("const {object} = (() => {{\n{body}return {{ {exported} }};\n}})();\n");
        code += &function.replace("\nexport ", "\n");
    }
    let objects: Vec<_> = joined.iter().map(|name| object(name)).collect();
    code + &format!("export {{ {} }};\n", objects.join(", "))
}

/// Returns a module that imports from the joined file what is part of that. Its lines stay where they are.
pub(super) fn import_joined(text: &str, joined: &Modules, file: &str) -> String {
    let (body, used) = with_constants(text, joined);
    if used.is_empty() {
        return body;
    }
    format!("import {{ {} }} from './{file}'; {body}", used.join(", "))
}

/// Adds the names of a module and of those that it needs, each after those that it imports.
fn collect<'t>(name: &'t str, modules: &Modules<'t>, joined: &mut Vec<&'t str>) {
    let Some(text) = modules.get(name).filter(|_| !joined.contains(&name)) else {
        return;
    };
    for import in imports(text) {
        collect(import.module, modules, joined);
    }
    joined.push(name);
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

/// Returns a module with constants in place of its imports from those that are joined, and the objects that it takes them from.
fn with_constants(text: &str, joined: &Modules) -> (String, Vec<String>) {
    let mut body = text.to_owned();
    let mut used = Vec::new();
    for import in imports(text).filter(|import| joined.contains_key(import.module)) {
        let object = object(import.module);
        let names = match import.what.strip_prefix("* as ") {
            Some(name) => name.to_owned(),
            None => import.what.replace(" as ", ": "),
        };
        body = body.replace(import.statement, &format!("const {names} = {object};"));
        used.push(object);
    }
    (body, used)
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

    const MODULES: [(&str, &str); 3] = [
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
    ];

    #[test]
    fn each_module_comes_once_and_after_those_that_it_imports() {
        let expected = "const $dom = (() => {\nconst $ = 1;\nasync function* el(a) {}\nreturn { $, el };\n})();\n\
             const $two_words = (() => {\nconst { $ } = $dom;\nfunction a() {}\nclass b {}\nconst hidden = $;\nreturn { a, b };\n})();\n\
             const $main = (() => {\n/** Main. */\nconst { a,\n  b: c } = $two_words;\nconst dom = $dom;\n\nc(a, dom.$);\nreturn {  };\n})();\n\
             export { $dom, $two_words, $main };\n";
        assert_eq!(join("main", &Modules::from(MODULES)), expected);
    }

    #[test]
    fn a_later_module_imports_the_objects_of_the_joined_file() {
        let text = "/** Later. */\nimport { a } from './two-words.js';\nimport { x } from './later.js';\na(x);\n";
        let expected = "import { $two_words } from './main.js'; /** Later. */\nconst { a } = $two_words;\n\
             import { x } from './later.js';\na(x);\n";
        let joined = Modules::from(MODULES);
        assert_eq!(import_joined(text, &joined, "main.js"), expected);
        assert_eq!(import_joined("a();\n", &joined, "main.js"), "a();\n");
    }
}
