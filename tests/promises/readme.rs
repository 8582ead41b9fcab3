//! Promise: the README is short and true. Its program is the example's, its output is of the kind that the code writes,
//! its dependencies can be resolved, and what it names exists.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use axum::body::Body;
use axum::extract::Path as Id;
use axum::http::Request;
use axum::{Router, routing::get};
use tower::ServiceExt as _;
use tower_observability::testing::Instance;
use tower_observability::{Kind, request};

use crate::support::repository::top;

pub(crate) fn read(path: impl AsRef<Path>) -> String {
    let path = top().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The fenced blocks of this language, without their fences.
fn blocks(readme: &str, language: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut lines = readme.lines();
    while let Some(line) = lines.next() {
        if let Some(fence) = line.strip_prefix("```") {
            let block: String =
                lines.by_ref().take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect();
            if fence.split(',').next() == Some(language) {
                found.push(block);
            }
        }
    }
    found
}

/// What the quickstart's service leaves behind when it is asked what the README asks it.
async fn quickstart(path: &str) -> Instance {
    async fn booking(Id(id): Id<u64>) -> String {
        request::add("booking_id", id);
        tracing::info!("looking into the book");
        format!("booking {id}: oil change, tomorrow at nine\n")
    }
    let seen = Instance::new();
    let app = Router::new().route("/bookings/{id}", get(booking)).layer(seen.layer());
    let asked = Request::get(path).header("host", "127.0.0.1:3000").header("user-agent", "curl/7.88.1");
    let subscriber = seen.subscribe();
    let response = app.oneshot(asked.body(Body::empty()).unwrap()).await.unwrap();
    axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    drop(subscriber);
    seen
}

#[test]
fn the_first_program_is_the_example() {
    let example = read("examples/quickstart.rs");
    let program = example.lines().skip_while(|line| line.starts_with("//!") || line.is_empty());
    // How an example answers to arguments is no part of a service.
    let program: String = program.map(|line| format!("{line}\n")).collect();
    let program =
        program.replace("mod shared;\n\n", "").replace("    shared::refuse_arguments(\"quickstart\");\n", "");
    assert_eq!(blocks(&read("README.md"), "rust")[0], program, "README.md shows another quickstart");
}

#[tokio::test]
async fn the_line_that_it_shows_has_the_keys_and_the_values_of_a_real_one() {
    let seen = quickstart("/bookings/7").await;
    let shown: serde_json::Value = serde_json::from_str(&blocks(&read("README.md"), "json")[0]).unwrap();
    let real = seen.lines().pop().unwrap();
    let keys = |line: &serde_json::Value| line.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    // A test's instance is no process, so its resource is empty.
    let mut expected = keys(&real);
    expected.insert("instance".to_owned());
    assert_eq!(keys(&shown), expected);
    for key in
        ["level", "target", "message", "method", "path", "route", "status", "outcome", "response_bytes"]
    {
        assert_eq!(shown[key], real[key], "{key}");
    }
    assert_eq!((&shown["trace_flags"], &shown["booking_id"]), (&real["trace_flags"], &7.into()));
}

#[tokio::test]
async fn the_span_that_it_shows_has_the_attributes_of_a_real_one() {
    let seen = quickstart("/bookings/7").await;
    let spans = seen.spans();
    let span = &spans[0];
    let readme = read("README.md");
    let shown = blocks(&readme, "text").into_iter().find(|block| block.starts_with("trace id ")).unwrap();
    let shown: BTreeSet<_> = shown
        .lines()
        .filter(|line| !line.starts_with("trace id") && !line.starts_with("span id"))
        .map(|line| line.split_whitespace().next().unwrap().to_owned())
        .collect();
    assert_eq!(shown, span.attributes.keys().cloned().collect());
    assert!(span.kind == Kind::Server && readme.contains(&format!("of kind SERVER, named `{}`", span.name)));
}

#[tokio::test]
async fn the_metrics_that_it_shows_are_on_the_page() {
    let seen = quickstart("/bookings/7").await;
    let page = seen.scrape_openmetrics();
    let readme = read("README.md");
    let shown = blocks(&readme, "text").into_iter().find(|block| block.starts_with("http_server_")).unwrap();
    assert_eq!(shown.lines().count(), 3);
    for line in shown.lines() {
        // An exemplar is of its moment.
        let sample = line.split(" # ").next().unwrap();
        assert!(page.lines().any(|real| real.split(" # ").next() == Some(sample)), "{sample}\n{page}");
    }
    assert!(page.contains(" # {trace_id=\""));
}

#[test]
fn the_features_and_the_rust_version_are_the_manifests() {
    let (readme, manifest) = (read("README.md"), read("Cargo.toml"));
    let section = manifest.split("[features]\n").nth(1).unwrap().split("\n[").next().unwrap();
    let declared = section.lines().filter_map(|line| line.split_once(" = ")).map(|(name, _)| name);
    let default = section.lines().find(|line| line.starts_with("default = ")).unwrap();
    for feature in declared.filter(|name| *name != "default") {
        let is_default = if default.contains(&format!("\"{feature}\"")) { "yes" } else { "no" };
        for path in ["README.md", "src/guide/configuration.md"] {
            let row = format!("| `{feature}` | {is_default} |");
            assert!(read(path).contains(&row), "{feature} is not in the table of {path}");
        }
    }
    assert!(section.contains("default = [\"axum\", \"otlp\"]"));
    let version = manifest.lines().find_map(|line| line.strip_prefix("rust-version = ")).unwrap();
    let version = version.trim_matches('"');
    assert!(readme.contains(&format!("minimum Rust version is {version}.")), "the manifest says {version}");
    assert!(read("src/guide/architecture.md").contains(&format!("cargo +{version} check")));
}

#[test]
fn the_files_and_examples_that_it_names_exist() {
    let readme = read("README.md");
    let manifest = [read("examples/Cargo.toml"), read("examples/workshop/Cargo.toml")].concat();
    for example in readme.split("--example ").skip(1) {
        let name = example.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap();
        assert!(manifest.contains(&format!("[[example]]\nname = \"{name}\"")), "no example {name}");
    }
    for path in ["examples/quickstart.rs", "examples/workshop/services", ".ci/run", "LICENSE", "CHANGELOG.md"]
    {
        assert!(readme.contains(&format!("`{path}`")), "{path} is not named");
        assert!(top().join(path).exists(), "{path}");
    }
    for marker in ["workshop command", "test command", "backends command"] {
        assert!(readme.contains(&format!("<!-- {marker} -->\n```sh\ncargo ")), "{marker}");
    }
}

#[test]
fn it_is_read_in_minutes() {
    let bytes = read("README.md").len();
    assert!(bytes <= 14_336, "{bytes} bytes of at most 14 KiB");
}

/// The manifest of a service beside a clone of this repository. Its versions are ours, so that nothing is asked of a
/// registry.
#[test]
fn its_dependencies_are_resolved_from_a_clone_beside_the_service() {
    let readme = read("README.md");
    let dependencies = &blocks(&readme, "toml")[0];
    assert!(dependencies.contains("{ path = \"../tower-observability\" }"), "{dependencies}");
    let folder = std::env::temp_dir().join(format!("tower-observability-readme-{}", std::process::id()));
    let service = folder.join("service");
    fs::create_dir_all(service.join("src")).unwrap();
    fs::write(service.join("src/main.rs"), &blocks(&readme, "rust")[0]).unwrap();
    let package = "[package]\nname = \"service\"\nedition = \"2024\"\n\n";
    let dependencies = dependencies.replace("../tower-observability", top().to_str().unwrap());
    fs::write(service.join("Cargo.toml"), format!("{package}{dependencies}")).unwrap();
    fs::copy(top().join("Cargo.lock"), service.join("Cargo.lock")).unwrap();
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--offline", "--quiet"])
        .current_dir(&service)
        .output()
        .unwrap();
    fs::remove_dir_all(&folder).unwrap();
    assert!(metadata.status.success(), "{}", String::from_utf8_lossy(&metadata.stderr));
    let resolved: serde_json::Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let named = |package: &serde_json::Value| package["name"] == "tower-observability";
    assert!(resolved["packages"].as_array().unwrap().iter().any(named));
}
