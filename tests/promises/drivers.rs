//! Promise: what the guide's page on drivers shows is what the tests of the real systems run. `UPDATE_DOCS=1` writes it.

use std::fs;

use super::readme::read;
use crate::support::repository::top;

const PAGE: &str = "src/guide/drivers.md";
const MARK: &str = "<!-- recipe: ";
const FENCE: &str = "```rust,ignore\n";

/// The recipe of this name: its file without the first lines, which say what it is, and without its tests.
fn recipe(name: &str) -> String {
    let file = read(format!("tests/backends/dependencies/recipes/{name}.rs"));
    let (_, program) = file.split_once("\n\n").unwrap();
    let program = program.split("\nmod tests {").next().unwrap();
    format!("{}\n", program.trim_end().replace("pub(crate) ", ""))
}

#[test]
fn each_recipe_stands_on_the_page_as_it_is_run() {
    let page = read(PAGE);
    let mut parts = page.split(MARK);
    let mut made = parts.next().unwrap().to_owned();
    assert!(!made.contains(FENCE), "a recipe without a name");
    for part in parts {
        let (name, rest) = part.split_once(" -->\n").unwrap();
        let (_, rest) = rest.strip_prefix(FENCE).unwrap().split_once("```\n").unwrap();
        assert!(!rest.contains(FENCE), "a recipe without a name, behind {name}");
        made += &format!("{MARK}{name} -->\n{FENCE}{}```\n{rest}", recipe(name));
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(top().join(PAGE), &made).unwrap();
    }
    assert_eq!(read(PAGE), made, "UPDATE_DOCS=1 writes the page anew");
    assert!(made.matches(MARK).count() >= 7);
}
