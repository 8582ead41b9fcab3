//! Promise: the README is true. Its program is the example's, its output is of the kind that the code writes,
//! each row of "when nothing shows up" has its proof, and what it names is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use axum::body::Body;
use axum::extract::Path as Id;
use axum::http::Request;
use axum::{Router, routing::get};
use tower::ServiceExt as _;
use tower_observability::testing::Instance;
use tower_observability::{Kind, request};

use crate::support::repository::top;

/// What a row of "when nothing shows up" is held by: the begin of the row, a file, a test in it.
struct Proof(&'static str, &'static str, &'static str);

const PROOFS: &[Proof] = &[
    Proof(
        "An event or a request has no line;",
        "tests/promises/left_out.rs",
        "a_place_beyond_its_limit_is_told_by_one_line_and_takes_nobodys_room",
    ),
    Proof(
        "No span; the start-up line says `traces off (OTEL_EXPORTER_OTLP_ENDPOINT",
        "tests/process/init.rs",
        "without_a_runtime_and_an_environment_lines_and_metrics_are_on_and_traces_say_how_to_turn_them_on",
    ),
    Proof(
        "No span; a warning says `4317",
        "src/traces/options/tests.rs",
        "an_address_that_looks_wrong_is_taken_with_a_word_of_what_would_be_right",
    ),
    Proof(
        "No span; the start-up line says that something `is not built in`",
        "tests/promises/missing.rs",
        "grpc_and_tls_say_in_a_warning_and_in_the_start_up_line_how_they_are_built_in",
    ),
    Proof(
        "No span; a line says `the collector's certificate`",
        "tests/promises/tls.rs",
        "the_line_says_what_is_wrong_with_the_collectors_certificate",
    ),
    Proof(
        "No span; a line says `the collector demands",
        "tests/promises/tls.rs",
        "a_collector_that_demands_a_certificate_gets_the_clients",
    ),
    Proof(
        "No span; a line says `traces are not exported`",
        "tests/promises/tls.rs",
        "a_file_that_cannot_serve_is_named_and_the_service_runs_without_that_export",
    ),
    Proof(
        "No span; a warning says `it is used as it is",
        "src/traces/options/tests.rs",
        "an_address_that_looks_wrong_is_taken_with_a_word_of_what_would_be_right",
    ),
    Proof(
        "No span; a line says `traces cannot be delivered",
        "tests/process/shutdown.rs",
        "a_collector_that_is_not_there_costs_spans_and_is_told",
    ),
    Proof(
        "No span, and the request's line has an even `trace_flags`",
        "tests/promises/server.rs",
        "an_unsampled_request_leaves_a_line_and_a_number_but_no_span",
    ),
    Proof(
        "Nothing at all; standard error says",
        "tests/process/init.rs",
        "a_disabled_sdk_writes_nothing_takes_nothing_and_still_propagates",
    ),
    Proof(
        "Some child spans are missing.",
        "src/bridge/tests/events.rs",
        "below_info_a_span_exists_only_for_lines_that_are_wanted",
    ),
    Proof(
        "The trace breaks between two services.",
        "tests/promises/clients/mod.rs",
        "a_call_from_a_handler_is_its_child_and_carries_the_context_on",
    ),
    Proof(
        "An event has no line.",
        "tests/promises/admin.rs",
        "the_log_level_is_turned_while_the_process_runs",
    ),
    Proof(
        "A warning says that `RUST_LOG` `is read as a target`.",
        "src/logs/level.rs",
        "a_misspelt_level_is_suspicious",
    ),
    Proof(
        "No lines; `otel_sdk_exporter_log_exported_total{error_type=\"write_failed\"}`",
        "src/logs/writer/tests.rs",
        "a_closed_pipe_costs_lines_and_later_lines_begin_anew",
    ),
    Proof(
        "Lines are missing under load;",
        "src/logs/writer/tests.rs",
        "a_reader_that_stopped_costs_lines_but_no_latency",
    ),
    Proof("A value on a line is cut;", "src/logs/cut.rs", "only_the_longest_value_is_cut_and_it_is_marked"),
    Proof(
        "Elasticsearch refuses lines with a `mapper_parsing_exception`",
        "tests/backends/opensearch/dynamic.rs",
        "only_a_users_own_field_of_two_types_is_refused",
    ),
    Proof(
        "Some routes leave nothing at all.",
        "tests/promises/recipes/routes.rs",
        "a_route_or_a_fallback_that_comes_after_the_layer_is_not_observed",
    ),
    Proof(
        "Pages in a browser do not begin the trace;",
        "tests/promises/orderings/cors.rs",
        "without_the_list_the_browser_would_send_no_context",
    ),
    Proof(
        "The `x-request-id` that a client got is on no line.",
        "tests/promises/orderings/request_ids.rs",
        "inside_ours_they_make_a_second_id_which_the_client_gets",
    ),
    Proof(
        "Timeouts are `cancelled`",
        "tests/promises/orderings/timeouts.rs",
        "outside_of_ours_a_timeout_drops_the_request_which_is_cancelled",
    ),
    Proof(
        "Every stream of events is `cancelled`.",
        "tests/promises/recipes/events.rs",
        "a_stream_of_events_is_one_request_that_its_reader_cancels",
    ),
    Proof(
        "No line and no metric for `/health`.",
        "tests/promises/server.rs",
        "health_paths_are_reported_only_when_they_are_ill",
    ),
    Proof(
        "No log records; `otel_sdk_processor_log_queue_capacity",
        "tests/promises/otlp_logs.rs",
        "an_endpoint_alone_sends_no_records_and_none_writes_nothing",
    ),
    Proof(
        "No log records; a line, or standard error, says `logs cannot be delivered",
        "tests/promises/otlp_logs.rs",
        "a_dead_collector_costs_records_but_none_in_silence",
    ),
    Proof(
        "A log record's body or attribute is cut;",
        "tests/promises/otlp_logs.rs",
        "what_loki_would_reject_is_cut_marked_and_counted",
    ),
    Proof("A line has no `trace_id`.", "tests/promises/bridge.rs", "a_spawned_task_stays_in_its_trace"),
    Proof(
        "`Span::current()` is disabled in a handler.",
        "tests/promises/server.rs",
        "the_option_opens_a_real_span_that_handlers_can_use",
    ),
    Proof(
        "No `route` on span, line and metric.",
        "tests/promises/server.rs",
        "the_route_is_known_under_layer_and_route_layer_and_by_the_helper_outside",
    ),
    Proof(
        "A field named `version` is on the line as `field_version`.",
        "tests/promises/logs.rs",
        "no_field_of_a_user_can_take_one_of_our_keys",
    ),
    Proof(
        "A series has `otel_metric_overflow=\"true\"`.",
        "src/metrics/group.rs",
        "beyond_the_limit_everything_is_one_overflow_series",
    ),
    Proof(
        "A metric of your own is missing or odd;",
        "src/metrics/histogram.rs",
        "what_is_not_finite_is_left_out_and_counted",
    ),
    Proof(
        "`/metrics` is not reached from another container;",
        "src/admin/options.rs",
        "only_loopback_in_a_container_needs_advice",
    ),
    Proof(
        "A warning says that `/metrics` is not served",
        "tests/process/init.rs",
        "an_occupied_admin_port_warns_and_the_service_starts",
    ),
    Proof(
        "Spans are missing; `otel_sdk_processor_span_processed_total",
        "src/export/queue.rs",
        "when_full_the_newest_is_dropped_and_counted_even_while_a_batch_is_on_its_way",
    ),
    Proof(
        "A line says that the collector `rejected` spans.",
        "tests/promises/export.rs",
        "what_the_collector_rejects_is_told_and_counted",
    ),
    Proof(
        "The last spans before the end are missing.",
        "tests/process/shutdown.rs",
        "on_every_runtime_dropping_the_guard_does_the_same",
    ),
    Proof(
        "Requests fail during a rollout.",
        "tests/process/shutdown.rs",
        "a_termination_signal_turns_ready_off_drains_and_loses_nothing",
    ),
    Proof(
        "`init` fails with `another global tracing subscriber",
        "tests/process/init.rs",
        "a_foreign_subscriber_is_an_error_that_leaves_nothing_half_installed",
    ),
    Proof(
        "Lines of requests only, none of events",
        "tests/process/adoption.rs",
        "a_layer_that_no_subscriber_has_is_told_at_the_first_request_and_once",
    ),
    Proof(
        "No `http_server_request_duration_seconds` anywhere",
        "tests/process/adoption.rs",
        "a_recorder_that_nobody_installed_is_told_once",
    ),
    Proof(
        "Spans are there twice.",
        "tests/process/migration.rs",
        "after_it_they_are_joined_and_no_span_is_there_twice",
    ),
    Proof(
        "No `tokio_…` on the page.",
        "tests/process/machine.rs",
        "what_is_not_known_or_not_wanted_is_absent",
    ),
    Proof(
        "No `container_…`",
        "src/metrics/machine/linux/cgroup/tests.rs",
        "the_machines_own_root_is_no_container",
    ),
    Proof(
        "A variable does nothing.",
        "tests/process/init.rs",
        "every_fault_of_the_environment_is_one_warning_that_names_the_remedy",
    ),
];

fn read(path: impl AsRef<Path>) -> String {
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

fn between<'a>(readme: &'a str, name: &str) -> &'a str {
    let (_, after) = readme.split_once(&format!("<!-- begin: {name} -->\n")).unwrap();
    after.split_once(&format!("<!-- end: {name} -->")).unwrap().0
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

/// The README is compiled with the features that everybody has.
#[test]
fn a_program_that_needs_a_feature_is_one_that_its_modules_documentation_compiles() {
    let readme = read("README.md");
    let apart = readme.lines().filter(|line| line.starts_with("```rust,ignore"));
    assert_eq!(apart.count(), 1, "each such block is held here");
    let program: Vec<_> = readme.lines().skip_while(|line| *line != "```rust,ignore").skip(1).collect();
    let program = program.split(|line| *line == "```").next().unwrap();
    let module = read("src/reqwest/mod.rs");
    let documentation: Vec<_> =
        module.lines().filter_map(|line| line.strip_prefix("//!")).map(str::trim_start).collect();
    let compiled = documentation.split(|line| line.starts_with("```")).skip(1).step_by(2);
    let shown: Vec<Vec<_>> =
        compiled.map(|lines| lines.iter().copied().filter(|line| !line.starts_with('#')).collect()).collect();
    assert!(program.len() > 3 && shown.iter().any(|shown| shown == program), "{shown:#?}");
    assert!(!documentation.iter().any(|line| line.starts_with("```") && line.contains("ignore")));
}

#[test]
fn each_row_of_when_nothing_shows_up_has_its_proof() {
    let readme = read("README.md");
    let rows: Vec<_> = between(&readme, "nothing shows up").lines().skip(2).collect();
    for row in &rows {
        let symptom = row.trim_start_matches("| ");
        assert!(PROOFS.iter().any(|Proof(begin, ..)| symptom.starts_with(begin)), "no proof of {row}");
        assert_eq!(row.matches(" | ").count(), 2, "{row}");
    }
    for Proof(begin, file, test) in PROOFS {
        assert!(rows.iter().any(|row| row.trim_start_matches("| ").starts_with(begin)), "no row {begin:?}");
        assert!(read(file).contains(&format!("fn {test}()")), "{file} has no test {test}");
    }
}

#[test]
fn every_text_that_it_quotes_is_written_by_the_code() {
    let source = source(&top().join("src"));
    for quoted in [
        "turns them on)",
        "4317 is the port of OTLP over gRPC",
        "is not built in; it is with this line in Cargo.toml",
        "the collector's certificate is",
        "the collector demands a client's certificate",
        "are not exported: ",
        "it is used as it is and has no path",
        "traces cannot be delivered to ",
        "OTEL_SDK_DISABLED=true",
        "is read as a target",
        "another global tracing subscriber is installed",
        "no `tracing` subscriber has our layer",
        "no `metrics` recorder is installed",
        "observability ends: ",
        "/ready answers 503 from now on",
    ] {
        assert!(source.contains(quoted), "nothing says {quoted:?}");
    }
}

fn source(folder: &Path) -> String {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .map(|path| if path.is_dir() { source(&path) } else { fs::read_to_string(path).unwrap() })
        .collect()
}

#[test]
fn every_variable_metric_and_label_that_it_names_exists() {
    use tower_observability::names::{label, metric};
    let readme = read("README.md");
    let variables: BTreeSet<_> =
        tower_observability::variables().into_iter().map(|row| row.name.to_owned()).collect();
    let names = |table: &[(&str, &str)]| table.iter().map(|(name, _)| (*name).to_owned()).collect::<Vec<_>>();
    let known: BTreeSet<_> = names(metric::TABLE).into_iter().chain(names(label::TABLE)).collect();
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    for word in readme.split(|c: char| !is_part(c)) {
        let is_variable = word.starts_with("OTEL_") || word.starts_with("OBSERVABILITY_");
        assert!(!is_variable || variables.contains(word), "no variable {word}");
        let begins =
            ["http_server_", "http_client_", "rpc_server_", "rpc_client_", "otel_sdk_", "observability_"];
        if begins.iter().any(|begin| word.starts_with(begin)) && word != "otel_sdk_" {
            let family = ["_bucket", "_count", "_sum"].iter().find_map(|end| word.strip_suffix(end));
            assert!(known.contains(family.unwrap_or(word)), "no metric {word}");
        }
    }
}

#[test]
fn the_features_and_the_rust_version_are_the_manifests() {
    let (readme, manifest) = (read("README.md"), read("Cargo.toml"));
    let section = manifest.split("[features]\n").nth(1).unwrap().split("\n[").next().unwrap();
    let declared = section.lines().filter_map(|line| line.split_once(" = ")).map(|(name, _)| name);
    let default = section.lines().find(|line| line.starts_with("default = ")).unwrap();
    for feature in declared.filter(|name| *name != "default") {
        let is_default = if default.contains(&format!("\"{feature}\"")) { "yes" } else { "no" };
        for page in [&readme, &read("src/lib.rs")] {
            assert!(
                page.contains(&format!("| `{feature}` | {is_default} |")),
                "{feature} is not in its table"
            );
        }
    }
    assert!(section.contains("default = [\"axum\", \"otlp\"]"));
    let version = manifest.lines().find_map(|line| line.strip_prefix("rust-version = ")).unwrap();
    let version = version.trim_matches('"');
    assert!(readme.contains(&format!("\n{version}, with edition 2024.")), "the manifest says {version}");
    assert!(readme.contains(&format!("cargo +{version} check")));
}

#[test]
fn the_files_and_examples_that_it_names_exist() {
    let (readme, manifest) = (read("README.md"), read("examples/Cargo.toml"));
    for example in readme.split("--example ").skip(1) {
        let name = example.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap();
        assert!(manifest.contains(&format!("[[example]]\nname = \"{name}\"")), "no example {name}");
    }
    for path in ["examples/quickstart.rs", "examples/workshop/services", ".ci/run", "LICENSE", "CHANGELOG.md"]
    {
        assert!(readme.contains(&format!("`{path}`")), "{path} is not named");
        assert!(top().join(path).exists(), "{path}");
    }
    for marker in ["workshop command", "test command"] {
        assert!(readme.contains(&format!("<!-- {marker} -->\n```sh\ncargo ")), "{marker}");
    }
}
