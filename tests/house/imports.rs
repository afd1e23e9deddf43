//! Reads the files of a crate and which of them import which.
//!
//! An import is a `use`, or a path in code, a macro or an attribute, that leads to another file of the crate. A name that a
//! `mod.rs` only re-exports counts for the file that defines it, so that no circle hides behind a `mod.rs`. What is compiled
//! for tests alone does not count.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemUse, UseTree, Visibility};

/// The segments of a path, `crate` left out: `["store", "file", "DatabaseFile"]`.
type Segments = Vec<String>;

/// The files of a crate by their path below `src`, such as `store/file.rs`.
pub(crate) struct Crate {
    pub(crate) files: BTreeMap<String, File>,
}

pub(crate) struct File {
    pub(crate) lines: usize,
    /// Whether its name is `mod.rs` or `lib.rs`.
    pub(crate) is_face: bool,
    /// Whether it holds anything but `mod` and `use`.
    pub(crate) has_code: bool,
    /// The other files that it imports from.
    pub(crate) imports: BTreeSet<String>,
    /// The crates that it uses, by the first segment of a path; names of its own are among them.
    pub(crate) crates: BTreeSet<String>,
}

impl Crate {
    /// Reads every file below a folder.
    pub(crate) fn read(folder: &Path) -> Self {
        let mut sources = Vec::new();
        collect(folder, folder, &mut sources);
        Self::parse(sources)
    }

    /// Reads files from their texts.
    pub(crate) fn parse(sources: Vec<(String, String)>) -> Self {
        let parsed: Vec<_> = sources
            .into_iter()
            .map(|(path, text)| {
                let syntax =
                    syn::parse_file(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
                let module = module_of(&path);
                let is_face = path.ends_with("mod.rs") || path == "lib.rs";
                let mut found = Found::new(&module, is_face);
                found.visit_file(&syntax);
                let has_code = syntax.items.iter().any(|item| !is_face_item(item));
                (path, module, is_face, has_code, text.lines().count(), found)
            })
            .collect();
        let modules: BTreeMap<&Segments, &String> = parsed
            .iter()
            .filter(|(path, ..)| path != "main.rs")
            .map(|(path, module, ..)| (module, path))
            .collect();
        // The names that faces re-export, each with the path behind it.
        let mut re_exports = BTreeMap::new();
        for (_, module, .., found) in &parsed {
            for (name, target) in &found.re_exports {
                let name = [module.as_slice(), std::slice::from_ref(name)].concat();
                re_exports.insert(name, target.clone());
            }
        }
        let mut files = BTreeMap::new();
        for (path, module, is_face, has_code, lines, found) in &parsed {
            let mut imports = BTreeSet::new();
            for used in &found.paths {
                let used = below_child(&modules, module, used);
                if let Some(file) = defining_file(&modules, &re_exports, &used)
                    && file != path
                {
                    imports.insert(file.clone());
                }
            }
            let file = File {
                lines: *lines,
                is_face: *is_face,
                has_code: *has_code,
                imports,
                crates: found.crates.clone(),
            };
            files.insert(path.clone(), file);
        }
        Self { files }
    }

    /// The shortest circle through a file: the files from it back to itself.
    pub(crate) fn circle_through<'c>(&'c self, start: &'c str) -> Option<Vec<&'c str>> {
        let mut ways = vec![vec![start]];
        let mut seen = BTreeSet::new();
        while !ways.is_empty() {
            let mut longer = Vec::new();
            for way in ways {
                let last = way[way.len() - 1];
                for next in &self.files.get(last)?.imports {
                    if next == start {
                        return Some([way, vec![start]].concat());
                    }
                    if seen.insert(next.as_str()) {
                        longer.push([way.clone(), vec![next.as_str()]].concat());
                    }
                }
            }
            ways = longer;
        }
        None
    }
}

fn collect(root: &Path, folder: &Path, sources: &mut Vec<(String, String)>) {
    let mut entries: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(root, &path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path
                .strip_prefix(root)
                .unwrap()
                .to_string_lossy()
                .replace('\\', "/");
            sources.push((name, std::fs::read_to_string(&path).unwrap()));
        }
    }
}

/// The module that a file is: `store/mod.rs` and `store.rs` are `["store"]`, `lib.rs` and `main.rs` are the crate itself.
fn module_of(path: &str) -> Segments {
    let mut segments: Segments = path
        .trim_end_matches(".rs")
        .split('/')
        .map(str::to_owned)
        .collect();
    if segments
        .last()
        .is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str()))
    {
        segments.pop();
    }
    segments
}

/// A path whose first segment is a child of the module, from the crate's root; any other as it is.
fn below_child(modules: &BTreeMap<&Segments, &String>, module: &Segments, used: &Used) -> Segments {
    match used {
        Used::Absolute(segments) => segments.clone(),
        Used::Relative(segments) => {
            let below = [module.as_slice(), segments.as_slice()].concat();
            let child = below[..=module.len()].to_vec();
            if modules.contains_key(&child) {
                below
            } else {
                Segments::new()
            }
        }
    }
}

/// The file that defines what a path leads to.
fn defining_file<'m>(
    modules: &BTreeMap<&Segments, &'m String>,
    re_exports: &BTreeMap<Segments, Segments>,
    segments: &Segments,
) -> Option<&'m String> {
    const MAX_STEPS: usize = 10;
    let mut segments = segments.clone();
    for _ in 0..MAX_STEPS {
        let length = (1..=segments.len())
            .rev()
            .find(|length| modules.contains_key(&segments[..*length].to_vec()))?;
        let Some(target) = segments
            .get(..=length)
            .and_then(|name| re_exports.get(name))
        else {
            return modules.get(&segments[..length].to_vec()).copied();
        };
        segments = [target.as_slice(), &segments[length + 1..]].concat();
    }
    None
}

/// A path as it is written: from the crate's root, or from a name in reach.
enum Used {
    Absolute(Segments),
    Relative(Segments),
}

/// What is found in a file.
struct Found {
    /// The module in which the walk is.
    module: Segments,
    is_face: bool,
    paths: Vec<Used>,
    re_exports: Vec<(String, Segments)>,
    crates: BTreeSet<String>,
}

impl Found {
    fn new(module: &Segments, is_face: bool) -> Self {
        Self {
            module: module.clone(),
            is_face,
            paths: Vec::new(),
            re_exports: Vec::new(),
            crates: BTreeSet::new(),
        }
    }

    /// Makes a path absolute, where it says from where it starts.
    fn resolve(&self, segments: &[String]) -> Option<Used> {
        let (first, mut rest) = segments.split_first()?;
        match first.as_str() {
            "crate" => Some(Used::Absolute(rest.to_vec())),
            "self" => Some(Used::Absolute([self.module.as_slice(), rest].concat())),
            "super" => {
                let mut depth = self.module.len().checked_sub(1)?;
                while let Some((next, below)) = rest.split_first()
                    && next == "super"
                {
                    depth = depth.checked_sub(1)?;
                    rest = below;
                }
                Some(Used::Absolute([&self.module[..depth], rest].concat()))
            }
            _ => Some(Used::Relative(segments.to_vec())),
        }
    }

    fn add(&mut self, segments: &[String]) {
        if segments.len() > 1 {
            self.crates.insert(segments[0].clone());
            self.paths.extend(self.resolve(segments));
        }
    }

    /// The paths in tokens that syn does not read: the arguments of a macro or an attribute.
    fn add_tokens(&mut self, tokens: TokenStream) {
        let mut path: Segments = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.add(&std::mem::take(&mut path));
                    }
                    path.push(ident.unraw().to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' && !path.is_empty() => {
                    colons += 1;
                }
                other => {
                    self.add(&std::mem::take(&mut path));
                    colons = 0;
                    if let TokenTree::Group(group) = other
                        && group.delimiter() != Delimiter::None
                    {
                        self.add_tokens(group.stream());
                    }
                }
            }
        }
        self.add(&path);
    }
}

impl<'ast> Visit<'ast> for Found {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_for_tests(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.module.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_impl_item(&mut self, item: &'ast syn::ImplItem) {
        if let syn::ImplItem::Fn(function) = item
            && is_for_tests(&function.attrs)
        {
            return;
        }
        visit::visit_impl_item(self, item);
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let is_public = !matches!(item.vis, Visibility::Inherited);
        let mut leaves = Vec::new();
        flatten(&item.tree, &mut Vec::new(), &mut leaves);
        for (path, name) in leaves {
            if let Some(first) = path.first() {
                self.crates.insert(first.clone());
            }
            let Some(used) = self.resolve(&path) else {
                continue;
            };
            if is_public && self.is_face {
                let target = match used {
                    Used::Absolute(segments) => segments,
                    Used::Relative(segments) => [self.module.as_slice(), &segments].concat(),
                };
                self.re_exports.push((name, target));
            } else {
                self.paths.push(used);
            }
        }
    }

    /// `pub(in crate::query)` imports nothing.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Segments = path
            .segments
            .iter()
            .map(|segment| segment.ident.unraw().to_string())
            .collect();
        self.add(&segments);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        self.add_tokens(item.tokens.clone());
        visit::visit_macro(self, item);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let syn::Meta::List(list) = &attribute.meta {
            self.add_tokens(list.tokens.clone());
        }
        visit::visit_attribute(self, attribute);
    }
}

/// The paths that a `use` names, each with the name that it gives them.
fn flatten(tree: &UseTree, above: &mut Segments, leaves: &mut Vec<(Segments, String)>) {
    match tree {
        UseTree::Path(path) => {
            above.push(path.ident.unraw().to_string());
            flatten(&path.tree, above, leaves);
            above.pop();
        }
        UseTree::Name(name) if name.ident == "self" => {
            leaves.push((above.clone(), above.last().cloned().unwrap_or_default()));
        }
        UseTree::Name(name) => {
            let name = name.ident.unraw().to_string();
            leaves.push((
                [above.as_slice(), std::slice::from_ref(&name)].concat(),
                name,
            ));
        }
        UseTree::Rename(rename) => {
            let name = rename.ident.unraw().to_string();
            leaves.push((
                [above.as_slice(), &[name]].concat(),
                rename.rename.to_string(),
            ));
        }
        UseTree::Glob(_) => leaves.push((above.clone(), "*".to_owned())),
        UseTree::Group(group) => group
            .items
            .iter()
            .for_each(|item| flatten(item, above, leaves)),
    }
}

/// Whether a face may hold it: a declaration of a module, or a `use`.
fn is_face_item(item: &Item) -> bool {
    match item {
        Item::Mod(module) => module.content.is_none(),
        Item::Use(_) => true,
        _ => false,
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

/// Whether an item has `#[cfg(test)]`.
fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute
                .parse_args::<syn::Ident>()
                .is_ok_and(|condition| condition == "test")
    })
}
