//! Promise: the guide is true. Each row of the troubleshooting table has its proof, what a page names exists, every link
//! leads somewhere, and every program is compiled.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::readme::read;
use crate::support::repository::top;

/// What holds a row of the troubleshooting table: the start of the row, a file, a test in it.
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
        "No span; a warning says that something `is not built in`",
        "tests/features/missing.rs",
        "grpc_and_tls_say_once_how_they_are_built_in_and_the_start_up_line_points_there",
    ),
    Proof(
        "Nothing at all; standard error says ``before `init` was called``",
        "tests/process/init.rs",
        "a_layer_without_init_says_so_once_and_answers_all_the_same",
    ),
    Proof(
        "Nothing after the start; a warning says that ``the guard",
        "tests/process/init.rs",
        "a_guard_that_is_not_kept_is_one_warning_and_one_that_is_has_none",
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
        "No span; a warning says `is appended to it`",
        "src/traces/options/tests/built_in.rs",
        "what_looks_wrong_beside_a_protocol_is_doubted_and_what_fits_is_not",
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
        "what_silences_errors_without_saying_so_is_suspicious",
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
    Proof(
        "A value on a line is cut;",
        "src/logs/formats/cut.rs",
        "only_the_longest_value_is_cut_and_it_is_marked",
    ),
    Proof(
        "Elasticsearch rejects lines with a `mapper_parsing_exception`",
        "tests/backends/opensearch/dynamic.rs",
        "only_a_users_own_field_of_two_types_is_refused",
    ),
    Proof(
        "Some routes, or all, are not observed",
        "tests/promises/recipes/routes.rs",
        "a_route_or_a_fallback_that_comes_after_the_layer_is_not_observed",
    ),
    Proof(
        "Pages in a browser do not start the trace;",
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
        "Every event stream is `cancelled`.",
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
        "A metric of your own is missing or wrong;",
        "src/metrics/histogram.rs",
        "what_is_not_finite_is_left_out_and_counted",
    ),
    Proof(
        "`/metrics` cannot be reached from another container;",
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
        "Successful requests have no line;",
        "tests/process/init.rs",
        "levels_for_other_targets_leave_our_errors_and_the_start_says_what_is_left_out",
    ),
    Proof(
        "Lines of requests but not of events; a warning says",
        "tests/process/adoption.rs",
        "a_subscriber_that_takes_no_filtered_layer_keeps_its_lines_and_is_answered_with_the_code_to_write",
    ),
    Proof(
        "Lines of requests but not of events; standard error says `EnvFilter",
        "tests/process/adoption.rs",
        "a_filter_that_silences_the_registry_is_told_at_the_first_request_with_the_remedy",
    ),
    Proof(
        "Lines of requests but not of events; standard error says ``",
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
        "No metrics at the collector",
        "tests/process/pushed.rs",
        "an_endpoint_alone_sends_no_metrics_and_the_variable_chooses_page_collector_or_both",
    ),
    Proof("No `container_…`", "src/metrics/machine/cgroup/tests.rs", "the_machines_own_root_is_no_container"),
    Proof(
        "`client.address` is that of the proxy",
        "tests/promises/proxies.rs",
        "a_trusted_proxy_is_believed_on_span_and_metric",
    ),
    Proof(
        "That changes nothing; standard error says `proxies are trusted",
        "tests/promises/proxies.rs",
        "without_a_peer_address_nobody_is_trusted_by_address",
    ),
    Proof(
        "A field of `request::add` is not on the events",
        "tests/promises/on_lines.rs",
        "it_stands_on_every_line_that_follows_and_on_the_span_once",
    ),
    Proof(
        "A call starts a trace of its own.",
        "tests/promises/clients/queued.rs",
        "a_call_through_a_buffer_is_the_requests_own_where_the_layer_is_outside_or_the_request_a_span",
    ),
    Proof(
        "Standard error says `spans are being lost`",
        "tests/process/collectors.rs",
        "a_loss_of_spans_and_records_is_reported_while_it_happens_and_when_it_has_ended",
    ),
    Proof(
        "Standard error says `log lines are being lost`.",
        "tests/process/stuck.rs",
        "with_a_standard_output_that_nobody_reads_requests_go_on_and_lines_are_counted_as_lost",
    ),
    Proof(
        "A field is called `field_status`, and standard error says so.",
        "tests/process/init.rs",
        "a_field_that_takes_a_key_of_ours_is_renamed_and_that_is_said_once",
    ),
    Proof(
        "The last lines before `std::process::exit` are missing.",
        "tests/process/exits.rs",
        "an_error_outside_of_a_request_is_written_when_the_call_returns",
    ),
    Proof(
        "A variable has no effect.",
        "tests/process/init.rs",
        "every_fault_of_the_environment_is_one_warning_that_names_the_remedy",
    ),
];

fn between<'a>(page: &'a str, name: &str) -> &'a str {
    let (_, after) = page.split_once(&format!("<!-- begin: {name} -->\n")).unwrap();
    after.split_once(&format!("<!-- end: {name} -->")).unwrap().0
}

/// The pages by name, such as `servers`, and what they say.
fn pages() -> Vec<(String, String)> {
    let entries = fs::read_dir(top().join("src/guide")).unwrap().map(|entry| entry.unwrap().path());
    let pages = entries.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    pages
        .map(|path| {
            (path.file_stem().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(&path).unwrap())
        })
        .collect()
}

#[test]
fn each_row_of_when_nothing_shows_up_has_its_proof() {
    let page = read("src/guide/troubleshooting.md");
    let rows: Vec<_> = between(&page, "nothing shows up").lines().skip(2).collect();
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
        "is not built in; add features = ",
        "the collector's certificate is",
        "the collector demands a client's certificate",
        "are not exported: ",
        "is appended to it",
        "it is used as it is and has no path",
        "traces cannot be delivered to ",
        "OTEL_SDK_DISABLED=true: no log line",
        "before `init` was called",
        "the guard that `init` returned was dropped right after it",
        "is read as a target",
        "it gives no level to other targets",
        "takes no layer",
        "EnvFilter::from_default_env() without RUST_LOG lets only ERROR pass",
        "another global tracing subscriber is installed",
        "no `tracing` subscriber has our layer",
        "no `metrics` recorder is installed",
        "observability ends: ",
        "/ready answers 503 from now on",
    ] {
        assert!(source.contains(quoted), "nothing says {quoted:?}");
    }
}

/// The code, without the guide, which is what quotes it.
fn source(folder: &Path) -> String {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .filter(|path| !path.ends_with("guide"))
        .map(|path| if path.is_dir() { source(&path) } else { fs::read_to_string(path).unwrap() })
        .collect()
}

#[test]
fn every_variable_metric_and_label_that_it_names_exists() {
    use tower_observability::names::{label, metric};
    let text: String = pages().into_iter().map(|(_, page)| page).chain([read("README.md")]).collect();
    let variables: BTreeSet<_> =
        tower_observability::variables().into_iter().map(|row| row.name.to_owned()).collect();
    let names = |table: &[(&str, &str)]| table.iter().map(|(name, _)| (*name).to_owned()).collect::<Vec<_>>();
    let known: BTreeSet<_> = names(metric::TABLE).into_iter().chain(names(label::TABLE)).collect();
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    for word in text.split(|c: char| !is_part(c)) {
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

/// A page as rustdoc names its headings: lower case, words joined by `-`, everything else dropped.
fn anchors(page: &str) -> BTreeSet<String> {
    let mut is_code = false;
    let mut found = BTreeSet::new();
    for line in page.lines() {
        is_code ^= line.trim_start().starts_with("```");
        let title = line.trim_start_matches('#');
        if !is_code && title.len() < line.len() && title.starts_with(' ') {
            let kept = title.trim().to_lowercase().replace(' ', "-");
            found.insert(kept.chars().filter(|c| c.is_alphanumeric() || "-_".contains(*c)).collect());
        }
    }
    found
}

/// What stands in the parentheses of each Markdown link, outside of code.
fn links(page: &str) -> Vec<String> {
    let mut is_code = false;
    let text: String = page
        .lines()
        .filter(|line| {
            let is_fence = line.trim_start().starts_with("```");
            is_code ^= is_fence;
            !is_code && !is_fence
        })
        .map(|line| format!("{line}\n"))
        .collect();
    text.split("](").skip(1).map(|rest| rest.split([')', '\n']).next().unwrap().to_owned()).collect()
}

#[test]
fn every_link_leads_to_a_page_and_a_heading() {
    let pages = pages();
    assert!(pages.len() >= 15);
    let of = |name: &str| pages.iter().find(|(page, _)| page == name).map(|(_, text)| text);
    let index = read("src/guide/mod.rs");
    for (name, text) in &pages {
        assert!(index.contains(&format!("include_str!(\"{name}.md\")")), "{name} is not in the guide");
        let is_linked = [format!("[{name}]"), format!("]({name})")].iter().any(|link| index.contains(link));
        assert!(is_linked, "the guide's first page does not link {name}");
        assert!(
            read("README.md").contains(&format!("](src/guide/{name}.md)")),
            "the README does not link {name}"
        );
        for link in links(text) {
            let (target, anchor) =
                link.split_once('#').map_or((&*link, None), |(to, anchor)| (to, Some(anchor)));
            // Those into the crate are rustdoc's to check.
            if target.starts_with("crate::") || target.starts_with("https://") {
                continue;
            }
            let page = of(target).unwrap_or_else(|| panic!("{name}: no page {link}"));
            assert!(anchor.is_none_or(|anchor| anchors(page).contains(anchor)), "{name}: no heading {link}");
        }
    }
    for link in links(&read("README.md")) {
        let (target, anchor) = link.split_once('#').map_or((&*link, None), |(to, anchor)| (to, Some(anchor)));
        assert!(top().join(target).exists(), "README.md: {link}");
        assert!(
            anchor.is_none_or(|anchor| anchors(&read(target)).contains(anchor)),
            "README.md: no heading {link}"
        );
    }
}

#[test]
fn a_link_that_leads_nowhere_is_found() {
    assert_eq!(links("a [b](c#d) and\n```\n[x](y)\n```\n[e](f.md)"), ["c#d", "f.md"]);
    let page = "# tower-http's layers\n```sh\n# no heading\n```\n## A `code` heading";
    let expected = ["a-code-heading", "tower-https-layers"].map(str::to_owned);
    assert_eq!(anchors(page), expected.into());
}

/// Rustdoc compiles each of them with the features that it is given.
#[test]
fn every_program_is_compiled() {
    for (name, text) in pages().into_iter().chain([("README".to_owned(), read("README.md"))]) {
        let fences = text.lines().map(str::trim_start).filter(|line| line.starts_with("```rust"));
        for fence in fences {
            // Those of the drivers are compiled, and run, by the tests of the real systems: see `drivers.rs`.
            let is_compiled = ["```rust", "```rust,no_run"].contains(&fence);
            assert!(is_compiled || name == "drivers" && fence == "```rust,ignore", "{name}: {fence}");
        }
    }
    assert!(read("src/lib.rs").contains("#[cfg(doctest)]\n#[doc = include_str!(\"../README.md\")]"));
}

#[test]
fn its_table_of_modules_is_the_architecture() {
    let page = read("src/guide/architecture.md");
    let rows = between(&page, "modules").lines().skip(2).map(|row| row.split(" | ").next().unwrap());
    let shown: Vec<Vec<_>> = rows.map(|row| row.split('`').skip(1).step_by(2).collect()).collect();
    let rows: Vec<Vec<_>> = super::architecture::ROWS.iter().rev().map(|row| row.to_vec()).collect();
    assert_eq!(shown, rows);
}

#[test]
fn every_example_that_it_names_exists() {
    let manifest = [read("examples/Cargo.toml"), read("examples/workshop/Cargo.toml")].concat();
    for (page, text) in pages() {
        for example in text.split("--example ").skip(1) {
            let name = example.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap();
            assert!(
                manifest.contains(&format!("[[example]]\nname = \"{name}\"")),
                "{page}: no example {name}"
            );
        }
    }
}
