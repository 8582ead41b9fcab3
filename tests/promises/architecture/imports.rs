//! The rule of imports: rows of modules point down only, and files of a folder make no circle.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::visit::{self, Visit};

use super::shape::is_test_only;
use super::tree::{Fault, Source};

type Path = Vec<String>;

/// A path in a file's code that leads into this crate, absolute: `["record", "Hop"]`.
#[derive(Clone)]
struct Mention {
    path: Path,
    line: usize,
    /// A `pub use`: the file shows another's name, and does not need it itself.
    reexport: bool,
}

/// Collects the mentions of one file. Code that only a test build has is left out.
struct Mentions {
    module: Path,
    children: BTreeSet<String>,
    found: Vec<Mention>,
}

/// Faults where a module names one that does not stand in a lower row.
pub(crate) fn upward(rows: &[&[&str]], sources: &[Source]) -> Vec<Fault> {
    sources.iter().filter(|source| !source.is_tests()).flat_map(|source| upward_in(rows, source)).collect()
}

/// Faults for the files of one folder that need each other in a circle.
pub(crate) fn circular(sources: &[Source]) -> Vec<Fault> {
    let code = sources.iter().filter(|source| !source.is_tests());
    let files: BTreeMap<Path, &Source> = code.map(|source| (source.module(), source)).collect();
    let mentions: BTreeMap<Path, Vec<Mention>> =
        files.iter().map(|(module, source)| (module.clone(), mentions(source))).collect();
    let needs: BTreeMap<&Path, BTreeMap<Path, usize>> =
        mentions.iter().map(|(module, found)| (module, needs_of(module, found, &mentions))).collect();
    let circle = |(module, needed): (&&Path, &BTreeMap<Path, usize>)| {
        let back = |file: &Path| reaches(file, module, &needs, &mut BTreeSet::new());
        let (file, line) = needed.iter().find(|(file, _)| back(file))?;
        let what = format!("needs `{}`, which needs this file in turn", file.join("::"));
        Some(files[*module].fault(*line, what))
    };
    needs.iter().filter_map(circle).collect()
}

fn upward_in(rows: &[&[&str]], source: &Source) -> Vec<Fault> {
    let row_of = |name: &str| rows.iter().position(|row| row.contains(&name));
    let module = source.module();
    // The root shows everybody's names and has no row.
    let Some(own) = module.first() else { return Vec::new() };
    let Some(own_row) = row_of(own) else {
        return vec![source.fault(1, format!("the module `{own}` stands in no row of the architecture"))];
    };
    let judge = |mention: Mention| {
        let target = mention.path.first()?;
        if target == own {
            return None;
        }
        let what = match row_of(target) {
            None => format!("`crate::{target}` is not a module: name it where it is defined"),
            Some(row) if row >= own_row => {
                format!("`{own}` (row {own_row}) may not use `{target}` (row {row})")
            }
            Some(_) => return None,
        };
        Some(source.fault(mention.line, what))
    };
    let mut faults: Vec<Fault> = mentions(source).into_iter().filter_map(judge).collect();
    // `signals::{self, Signals}` is one fault.
    faults.dedup();
    faults
}

/// The files of its own folder that a file needs, each with the line that says so.
fn needs_of(module: &Path, found: &[Mention], all: &BTreeMap<Path, Vec<Mention>>) -> BTreeMap<Path, usize> {
    let mut needed = BTreeMap::new();
    for mention in found.iter().filter(|mention| !mention.reexport) {
        let Some(file) = file_of(&mention.path, all, 0) else { continue };
        if file != *module && !module.is_empty() && file.first() == module.first() {
            needed.entry(file).or_insert(mention.line);
        }
    }
    needed
}

/// The file that defines what a path names, through the `pub use` lines on the way.
fn file_of(path: &[String], all: &BTreeMap<Path, Vec<Mention>>, depth: usize) -> Option<Path> {
    let (length, shown) = (0..=path.len()).rev().find_map(|n| Some((n, all.get(&path[..n])?)))?;
    let through = path.get(length).and_then(|name| {
        let shows = |mention: &&Mention| mention.reexport && mention.path.last() == Some(name);
        shown.iter().find(shows).filter(|mention| mention.path != path && depth < 8)
    });
    match through {
        Some(mention) => file_of(&mention.path, all, depth + 1),
        None => Some(path[..length].to_vec()),
    }
}

fn reaches(
    from: &Path,
    to: &Path,
    needs: &BTreeMap<&Path, BTreeMap<Path, usize>>,
    seen: &mut BTreeSet<Path>,
) -> bool {
    if from == to {
        return true;
    }
    let next = |needed: &BTreeMap<Path, usize>, seen: &mut BTreeSet<Path>| {
        needed.keys().any(|file| reaches(file, to, needs, seen))
    };
    seen.insert(from.clone()) && needs.get(from).is_some_and(|needed| next(needed, seen))
}

fn mentions(source: &Source) -> Vec<Mention> {
    let mut mentions = Mentions { module: source.module(), children: BTreeSet::new(), found: Vec::new() };
    mentions.children = children(&source.syntax.items);
    mentions.visit_file(&source.syntax);
    mentions.found
}

fn children(items: &[syn::Item]) -> BTreeSet<String> {
    let name = |item: &syn::Item| match item {
        syn::Item::Mod(module) => Some(module.ident.to_string()),
        _ => None,
    };
    items.iter().filter_map(name).collect()
}

impl Mentions {
    /// Makes a path absolute; `None` if it leads out of the crate or to something local.
    fn resolve(&self, path: &[String]) -> Option<Path> {
        let first = path.first()?.as_str();
        let climbs = path.iter().take_while(|part| *part == "super").count();
        let base = match first {
            "crate" => return Some(path[1..].to_vec()),
            "self" => (self.module.as_slice(), 1),
            "super" => (&self.module[..self.module.len().saturating_sub(climbs)], climbs),
            child if self.children.contains(child) => (self.module.as_slice(), 0),
            _ => return None,
        };
        Some([base.0, &path[base.1..]].concat())
    }

    fn add(&mut self, path: &[String], span: Span, reexport: bool) {
        if let Some(path) = self.resolve(path).filter(|path| *path != self.module) {
            self.found.push(Mention { path, line: span.start().line, reexport });
        }
    }

    fn add_tree(&mut self, before: &mut Path, tree: &syn::UseTree, reexport: bool) {
        match tree {
            syn::UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.add_tree(before, &path.tree, reexport);
                before.pop();
            }
            syn::UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.add_tree(before, tree, reexport));
            }
            syn::UseTree::Name(syn::UseName { ident, .. })
            | syn::UseTree::Rename(syn::UseRename { ident, .. }) => {
                let path = [before.as_slice(), &[ident.to_string()]].concat();
                // `{self, …}` names what stands before the braces.
                let named = if ident == "self" && path.len() > 1 { before.as_slice() } else { &path };
                self.add(named, ident.span(), reexport);
            }
            syn::UseTree::Glob(glob) => self.add(before, glob.star_token.spans[0], reexport),
        }
    }

    /// Macros hide their paths from the parser: every `crate::…` among the tokens counts.
    fn add_tokens(&mut self, tokens: TokenStream) {
        let mut path: Option<(Path, Span)> = None;
        for token in tokens {
            match (&token, &mut path) {
                (TokenTree::Ident(ident), None) if *ident == "crate" => {
                    path = Some((vec!["crate".to_owned()], ident.span()));
                }
                (TokenTree::Ident(ident), Some((parts, _))) => parts.push(ident.to_string()),
                (TokenTree::Punct(punct), Some(_)) if punct.as_char() == ':' => {}
                _ => {
                    if let Some((parts, span)) = path.take() {
                        self.add(&parts, span, false);
                    }
                }
            }
            if let TokenTree::Group(group) = token {
                self.add_tokens(group.stream());
            }
        }
        if let Some((parts, span)) = path {
            self.add(&parts, span, false);
        }
    }
}

impl<'ast> Visit<'ast> for Mentions {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        let Some((_, items)) = &module.content else { return };
        if is_test_only(&module.attrs) {
            return;
        }
        self.module.push(module.ident.to_string());
        let outer = std::mem::replace(&mut self.children, children(items));
        items.iter().for_each(|item| self.visit_item(item));
        self.children = outer;
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let reexport = !matches!(item.vis, syn::Visibility::Inherited);
        if !is_test_only(&item.attrs) {
            self.add_tree(&mut Vec::new(), &item.tree, reexport);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let parts: Path = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if let Some(first) = path.segments.first().filter(|_| path.leading_colon.is_none()) {
            // A single word may be a variable of a child module's name; a path into it has two.
            if parts.len() > 1 {
                self.add(&parts, first.ident.span(), false);
            }
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        self.add_tokens(called.tokens.clone());
        visit::visit_macro(self, called);
    }

    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}
}
