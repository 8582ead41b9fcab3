//! The rules about the repository as a whole: what lies at its top, and words that have no place in it.

use super::tree::Fault;

const ORDERED: [&str; 9] = [
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "benches",
    "examples",
    "src",
    "tests",
];

// Cut in two, or this file would break its own rule.
const MACHINES: [&str; 6] = [
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/t", "mp/"),
    concat!("/Us", "ers/"),
    concat!("/var/ho", "me/"),
];
const REGISTRIES: [&str; 8] = [
    concat!("index.crates", ".io"),
    concat!("static.crates", ".io"),
    concat!("arti", "factory"),
    concat!("py", "pi.org"),
    concat!("registry.np", "mjs"),
    concat!("proxy.go", "lang"),
    concat!("deb.deb", "ian"),
    concat!("repo1.ma", "ven"),
];

/// Faults for entries at the top that nobody ordered; dotfiles are free.
pub(crate) fn disordered(top_level: &[String]) -> Vec<Fault> {
    let stray = top_level.iter().filter(|name| !name.starts_with('.') && !ORDERED.contains(&name.as_str()));
    let what = "the top level holds only dotfiles and what was ordered";
    stray.map(|name| Fault { path: name.clone(), line: 1, what: what.to_owned() }).collect()
}

/// Faults for a manifest whose section does not have this line.
pub(crate) fn lacking(path: &str, manifest: &str, section: &str, wanted: &str) -> Option<Fault> {
    let lines = manifest.lines().skip_while(|line| *line != section).skip(1);
    let has = lines.take_while(|line| !line.starts_with('[')).any(|line| line == wanted);
    (!has).then(|| Fault {
        path: path.to_owned(),
        line: 1,
        what: format!("`{section}` does not say `{wanted}`"),
    })
}

/// Faults for words that only mean something on one machine.
pub(crate) fn local_words(path: &str, text: &str) -> Vec<Fault> {
    let word_in = |line: &str| {
        let machine = MACHINES.iter().find(|word| begins_in(line, word));
        machine.or_else(|| REGISTRIES.iter().find(|word| line.contains(*word))).copied()
    };
    let found = text.lines().enumerate().filter_map(|(index, line)| Some((index + 1, word_in(line)?)));
    let what = |word| format!("`{word}` means something on one machine only");
    found.map(|(line, word)| Fault { path: path.to_owned(), line, what: what(word) }).collect()
}

/// Is there a path from the root that begins like this? (`src/work/mod.rs` has a folder of that name inside.)
fn begins_in(line: &str, root: &str) -> bool {
    let is_inside = |before: char| before.is_alphanumeric() || "._-*}".contains(before);
    line.match_indices(root).any(|(at, _)| !line[..at].ends_with(is_inside))
}
