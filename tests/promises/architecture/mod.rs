//! The promise that the code stays as it was laid out: rows, sizes, names, and a tidy repository.
//!
//! `ROWS` is the architecture. Each rule is held twice: the repository keeps it, and the rule does find the
//! fault that it is there for.

mod imports;
mod public_api;
mod shape;
mod tree;
mod words;

use tree::{Fault, Source, assert_none, sources, text_files, top_level};

/// Which module may use which: lower rows only, never its own.
pub(crate) const ROWS: [&[&str]; 12] = [
    &["error", "guide", "names", "clock", "file", "variable"],
    &["context", "account", "threads", "resource", "terminal"],
    &["record", "export"],
    &["current", "otlp"],
    &["traces", "logs", "metrics", "propagation"],
    &["reports"],
    &["signals"],
    &["bridge", "layer", "work", "dependencies", "admin", "interop"],
    &["config", "testing", "reqwest", "view"],
    &["init", "fuzz"],
    &["doctor"],
    &["bin"],
];

fn whats(faults: impl IntoIterator<Item = Fault>) -> Vec<String> {
    faults.into_iter().map(|fault| fault.to_string()).collect()
}

fn everywhere() -> Vec<Source> {
    sources(&["src", "examples", "benches", "tests"])
}

#[test]
fn imports_point_down_only() {
    assert_none(&imports::upward(&ROWS, &sources(&["src"])));
}

#[test]
fn an_import_that_points_up_or_sideways_is_found_in_every_spelling() {
    let spellings = [
        "use crate::signals::Signals;",
        "use crate::{clock::Moment, signals::{self, Signals}};",
        "use super::super::signals;",
        "fn f() -> crate::signals::Signals { todo!() }",
        "fn f() { println!(\"{}\", crate::signals::name()); }",
        "mod inner { pub(crate) use super::super::super::signals::Signals; }",
        "use crate::metrics::Red;",
        "use crate::Root;",
    ];
    for spelling in spellings {
        let source = Source::new("src/traces/queue.rs", &format!("//! The queue.\n{spelling}"));
        let faults = imports::upward(&ROWS, &[source]);
        assert_eq!(faults.len(), 1, "{spelling}: {faults:?}");
        assert_eq!(faults[0].line, 2, "{spelling}");
    }
}

#[test]
fn imports_that_point_down_and_those_of_tests_are_no_fault() {
    let text = "use crate::record::Hop; use self::part::Part; use part::Other; mod part;
        #[cfg(test)] mod tests { use crate::init::init; }
        pub(crate) fn f(hop: &Hop) { crate::threads::complain(hop); std::hop::f(); }";
    assert_none(&imports::upward(&ROWS, &[Source::new("src/traces/mod.rs", text)]));
}

#[test]
fn a_module_outside_the_rows_is_found() {
    let faults = imports::upward(&ROWS, &[Source::new("src/helper.rs", "")]);
    assert_eq!(whats(faults), ["src/helper.rs:1: the module `helper` stands in no row of the architecture"]);
}

#[test]
fn files_of_a_folder_do_not_need_each_other_in_a_circle() {
    assert_none(&imports::circular(&sources(&["src"])));
}

#[test]
fn a_circle_is_found_also_through_a_name_that_the_folder_shows() {
    let folder = |first: &str, second: &str| {
        [
            Source::new(
                "src/record/mod.rs",
                "mod first; mod second; pub use first::First; pub use second::*;",
            ),
            Source::new("src/record/first.rs", first),
            Source::new("src/record/second.rs", second),
        ]
    };
    let one_way = folder("pub struct First;", "use super::First;");
    assert_none(&imports::circular(&one_way));
    let circle = folder("use super::second::Second;", "\nuse super::First;");
    assert_eq!(
        whats(imports::circular(&circle)),
        [
            "src/record/first.rs:1: needs `record::second`, which needs this file in turn",
            "src/record/second.rs:2: needs `record::first`, which needs this file in turn",
        ]
    );
}

#[test]
fn no_file_is_longer_than_a_reader_takes_in() {
    let faults: Vec<Fault> =
        sources(&["src", "examples", "benches"]).iter().filter_map(shape::long_file).collect();
    assert_none(&faults);
}

#[test]
fn a_long_file_is_found_and_comments_blank_lines_and_tests_do_not_count() {
    let file = |lines: usize| {
        let code = "const X: u8 = 0;\n".repeat(lines);
        let tests = "#[cfg(test)]\nmod tests {\n    fn f() {}\n}\n";
        Source::new("src/x.rs", &format!("//! About x.\n\n// why\n{code}{tests}"))
    };
    assert_eq!(shape::long_file(&file(500)), None);
    assert_eq!(
        whats(shape::long_file(&file(501))),
        ["src/x.rs:1: 501 lines of code in a file, of at most 500"]
    );
}

#[test]
fn no_function_is_longer_than_a_screen() {
    let faults: Vec<Fault> =
        sources(&["src", "examples", "benches"]).iter().flat_map(shape::long_functions).collect();
    assert_none(&faults);
}

#[test]
fn a_long_function_is_found_wherever_it_hides() {
    let body = "    ();\n".repeat(59);
    let at_the_limit = Source::new("src/x.rs", &format!("fn long() {{\n{}}}\n", "    ();\n".repeat(58)));
    assert_none(&shape::long_functions(&at_the_limit));
    for around in ["", "impl X {", "trait X {", "impl T for X {", "mod inner {", "fn outer() {} mod x {"] {
        let end = if around.is_empty() { "" } else { "}" };
        let source = Source::new("src/x.rs", &format!("{around}\nfn long() {{\n{body}}}\n{end}"));
        let faults = whats(shape::long_functions(&source));
        assert_eq!(faults, ["src/x.rs:2: `long` is 61 lines long, of at most 60"], "{around}");
    }
}

#[test]
fn every_file_says_first_what_it_is_for() {
    let library = sources(&["src"]).into_iter().filter(|source| source.path != "src/lib.rs");
    let faults: Vec<Fault> = library.filter_map(|source| shape::unexplained(&source)).collect();
    assert_none(&faults);
}

#[test]
fn a_file_that_does_not_say_what_it_is_for_is_found() {
    assert_eq!(shape::unexplained(&Source::new("src/x.rs", "//! About x.\n")), None);
    for text in ["", "\n//! About x.\n", "// About x.\n"] {
        assert!(shape::unexplained(&Source::new("src/x.rs", text)).is_some(), "{text:?}");
    }
}

#[test]
fn the_methods_of_a_type_stand_beside_it() {
    assert_none(&shape::separated_methods(&sources(&["src"])));
}

#[test]
fn methods_in_another_file_of_the_room_are_found() {
    let definer =
        || Source::new("src/logs/lines.rs", "//! Lines.\npub struct Lines; impl Lines { fn f() {} }");
    let with = |path: &str, text: &str| shape::separated_methods(&[definer(), Source::new(path, text)]);
    let elsewhere = "//! More.\nimpl super::Lines { fn g() {} }";
    assert_eq!(
        whats(with("src/logs/more.rs", elsewhere)),
        ["src/logs/more.rs:2: methods of `Lines`, which is defined in src/logs/lines.rs"]
    );
    assert_none(&with("src/init/more.rs", elsewhere));
    let feature = Source::new("src/logs/mod.rs", "//! Logs.\n#[cfg(feature = \"x\")] mod more;");
    assert_none(&shape::separated_methods(&[definer(), feature, Source::new("src/logs/more.rs", elsewhere)]));
    assert_none(&with("src/logs/more.rs", "//! More.\nimpl Clone for super::Lines { fn clone() {} }"));
    assert_none(&with("src/logs/more.rs", "//! More.\n#[cfg(test)] impl super::Lines { fn g() {} }"));
    assert_none(&with("src/logs/more.rs", "//! More.\nstruct Lines; impl Lines { fn g() {} }"));
}

#[test]
fn a_feature_switches_whole_items_only() {
    let faults: Vec<Fault> = sources(&["src"]).iter().flat_map(shape::scattered_features).collect();
    assert_none(&faults);
}

#[test]
fn a_feature_that_switches_anything_else_is_found() {
    let allowed = "#[cfg(feature = \"x\")] mod x; #[cfg(not(feature = \"x\"))] use y as x;
        #[cfg(all(test, feature = \"x\"))] mod tests { fn f() -> bool { cfg!(feature = \"x\") } }
        #[cfg(unix)] fn f() { #[cfg(unix)] g(); } #[cfg(feature = \"x\")] impl S { fn f() {} }
        #[cfg(not(feature = \"x\"))] fn f() {} impl S { #[cfg(feature = \"x\")] fn f() {} }";
    assert_none(&shape::scattered_features(&Source::new("src/x.rs", allowed)));
    let scattered = [
        "struct S { #[cfg(feature = \"x\")] field: u8 }",
        "fn f() { #[cfg(not(feature = \"x\"))] return; }",
        "#[cfg_attr(feature = \"x\", derive(Clone))] struct S;",
        "fn f() -> bool { cfg!(any(unix, feature = \"x\")) }",
        "mod inner { fn f() { #[cfg(all(unix, feature = \"x\"))] const X: u8 = 0; } }",
    ];
    for text in scattered {
        let faults = shape::scattered_features(&Source::new("src/x.rs", text));
        assert_eq!(faults.len(), 1, "{text}");
    }
}

#[test]
fn no_function_is_named_with_an_idle_prefix() {
    let faults: Vec<Fault> = everywhere().iter().flat_map(shape::idle_names).collect();
    assert_none(&faults);
}

#[test]
fn an_idle_prefix_is_found_except_where_a_trait_demands_it() {
    let text =
        "impl X { pub fn get_name(&self) {} }\n#[test] fn test_name() {}\nimpl T for X { fn get_it() {} }";
    let faults = whats(shape::idle_names(&Source::new("src/x.rs", text)));
    assert_eq!(
        faults,
        ["src/x.rs:1: `get_name`: drop the prefix", "src/x.rs:2: `test_name`: drop the prefix"]
    );
}

#[test]
fn the_top_level_holds_what_was_ordered() {
    assert_none(&words::disordered(&top_level()));
}

#[test]
fn a_stray_entry_at_the_top_is_found() {
    let top = ["src", ".ci", "Makefile"].map(str::to_owned);
    assert_eq!(
        whats(words::disordered(&top)),
        ["Makefile:1: the top level holds only dotfiles and what was ordered"]
    );
}

#[test]
fn unsafe_code_is_forbidden_in_every_package() {
    let forbidding = "unsafe_code = \"forbid\"";
    let read = |path: &str| text_files().into_iter().find(|(found, _)| found == path).unwrap().1;
    let workspace = words::lacking("Cargo.toml", &read("Cargo.toml"), "[workspace.lints.rust]", forbidding);
    let manifests = text_files().into_iter().filter(|(path, _)| path.ends_with("Cargo.toml"));
    let faults: Vec<Fault> = manifests
        .filter_map(|(path, text)| {
            let inherits = words::lacking(&path, &text, "[lints]", "workspace = true");
            inherits.and_then(|_| words::lacking(&path, &text, "[lints.rust]", forbidding))
        })
        .chain(workspace)
        .collect();
    assert_none(&faults);
}

#[test]
fn a_manifest_that_permits_unsafe_code_is_found() {
    let lacks = |text: &str| words::lacking("x/Cargo.toml", text, "[lints.rust]", "unsafe_code = \"forbid\"");
    assert_eq!(lacks("[lints.rust]\nunsafe_code = \"forbid\"\n"), None);
    for manifest in
        ["", "[lints.rust]\nunsafe_code = \"deny\"", "[lints.rust]\n[x]\nunsafe_code = \"forbid\""]
    {
        assert!(lacks(manifest).is_some(), "{manifest}");
    }
}

#[test]
fn no_file_names_a_place_on_one_machine() {
    let faults: Vec<Fault> =
        text_files().iter().flat_map(|(path, text)| words::local_words(path, text)).collect();
    assert_none(&faults);
}

#[test]
fn a_place_on_one_machine_is_found() {
    let named = [
        concat!("see /wo", "rk/notes"),
        concat!("`/ro", "ot/x`"),
        concat!("https://index.crates", ".io/"),
        concat!("cd /ho", "me/me"),
    ];
    for text in named {
        assert_eq!(words::local_words("README.md", text).len(), 1, "{text}");
    }
    assert_none(&words::local_words("README.md", "src/work/mod.rs, ./work/x, https://example.org/work/"));
}

/// The crates whose types and traits stand in our signatures: a new major version of one is one of ours. The second part
/// says why it is there, and the feature without which it is not.
const IN_SIGNATURES: [(&str, &str); 14] = [
    ("axum", "routers that are observed or merged; feature `axum`"),
    ("http", "requests and responses"),
    ("http_body", "bodies"),
    ("metrics", "a user's own recorder"),
    ("opentelemetry", "re-exported; feature `interop-opentelemetry`"),
    ("reqwest", "its client; feature `reqwest`"),
    ("serde", "what reqwest sends as JSON; feature `reqwest`"),
    ("serde_core", "ids that are serialized"),
    ("serde_json", "the lines that a test sees"),
    ("tokio", "the task that `spawn` returns"),
    ("tower", "its two traits, `Layer` and `Service`"),
    ("tracing", "spans and subscribers"),
    ("tracing_subscriber", "the layer for a user's own registry"),
    ("uuid", "an id as the value of a field"),
];

fn public_api() -> public_api::PublicApi {
    public_api::Crate::new(sources(&["src"])).public()
}

#[test]
fn the_public_api_is_the_one_that_was_accepted() {
    const KEPT: &str = "tests/promises/public_api.txt";
    let now = public_api().lines;
    assert!(now.len() > 400, "it does not find what is public: {now:#?}");
    let file = crate::support::repository::top().join(KEPT);
    if std::env::var_os("ACCEPT_PUBLIC_API").is_some() {
        let lines: Vec<_> = now.iter().map(|line| format!("{line}\n")).collect();
        return std::fs::write(file, lines.concat()).expect("it can be written");
    }
    let kept = std::fs::read_to_string(file).unwrap_or_default();
    let kept: std::collections::BTreeSet<_> = kept.lines().map(str::to_owned).collect();
    let gone = kept.difference(&now).map(|line| format!("- {line}\n"));
    let new = now.difference(&kept).map(|line| format!("+ {line}\n"));
    let changes: String = gone.chain(new).collect();
    assert!(
        changes.is_empty(),
        "the public API has changed:\n{changes}If that is wanted, say so in CHANGELOG.md (in bold if a line is gone) and \
         run\n  ACCEPT_PUBLIC_API=1 cargo test -p tests --all-features --test promises the_public_api"
    );
}

#[test]
fn only_the_listed_crates_stand_in_public_signatures() {
    let named = public_api().foreign;
    let named: Vec<_> =
        named.iter().map(String::as_str).filter(|name| !["std", "core"].contains(name)).collect();
    assert_eq!(named, IN_SIGNATURES.map(|(name, _)| name));
}
