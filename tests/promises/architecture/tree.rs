//! The view of this repository that the rules look at: its files, parsed, and what is wrong in them.

use std::fmt;
use std::path::Path;

use crate::support::repository;

/// One Rust file.
pub(crate) struct Source {
    /// From the top of the repository, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) syntax: syn::File,
}

/// A broken rule, and where.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) path: String,
    pub(crate) line: usize,
    pub(crate) what: String,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let syntax = syn::parse_file(text).unwrap_or_else(|error| panic!("{path}: {error}"));
        Self { path: path.to_owned(), text: text.to_owned(), syntax }
    }

    pub(crate) fn fault(&self, line: usize, what: impl Into<String>) -> Fault {
        Fault { path: self.path.clone(), line, what: what.into() }
    }

    /// Tests that grew larger than their code live in a file of their own, which only a test build has.
    pub(crate) fn is_tests(&self) -> bool {
        self.path.ends_with("/tests.rs")
    }

    /// The module that the file is, `["record", "hop"]` of `src/record/hop.rs`; the crate's root is empty.
    pub(crate) fn module(&self) -> Vec<String> {
        let inside = self.path.strip_prefix("src/").unwrap_or(&self.path);
        let inside = inside.strip_suffix(".rs").unwrap_or(inside);
        let inside = inside.strip_suffix("/mod").unwrap_or(inside);
        if inside == "lib" { Vec::new() } else { inside.split('/').map(str::to_owned).collect() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

/// Fails with every fault on a line of its own.
#[track_caller]
pub(crate) fn assert_none(faults: &[Fault]) {
    let lines: Vec<String> = faults.iter().map(Fault::to_string).collect();
    assert!(faults.is_empty(), "\n{}\n", lines.join("\n"));
}

/// The names at the top of the repository, without what a build leaves there.
pub(crate) fn top_level() -> Vec<String> {
    names_in(repository::top())
}

/// Every file's path and text; files that are not text are left out.
pub(crate) fn text_files() -> Vec<(String, String)> {
    let top = repository::top();
    let mut paths = Vec::new();
    top_level().iter().for_each(|name| walk(top, name, &mut paths));
    let text = |path: String| Some((path.clone(), std::fs::read_to_string(top.join(path)).ok()?));
    paths.into_iter().filter_map(text).collect()
}

/// The Rust files below these folders.
pub(crate) fn sources(folders: &[&str]) -> Vec<Source> {
    let wanted = |path: &str| {
        let folder = path.split('/').next().unwrap_or_default();
        path.ends_with(".rs") && folders.contains(&folder)
    };
    let files = text_files().into_iter().filter(|(path, _)| wanted(path));
    files.map(|(path, text)| Source::new(&path, &text)).collect()
}

fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("the repository can be read");
    let names = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| name != ".git" && name != "target").collect();
    names.sort();
    names
}

fn walk(top: &Path, path: &str, into: &mut Vec<String>) {
    if top.join(path).is_dir() {
        names_in(&top.join(path)).iter().for_each(|name| walk(top, &format!("{path}/{name}"), into));
    } else {
        into.push(path.to_owned());
    }
}
