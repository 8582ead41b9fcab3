//! The page of evidence out of each store that a site may have: Jaeger and Zipkin, VictoriaLogs and Loki, Prometheus, over
//! HTTP and HTTPS, and out of files; what could not be had stands on it.

use std::process::Command;

use serde_json::Value;

use crate::shared::authority::{Authority, Shown};
use crate::support::booked::{Booked, booked};
use crate::support::jaeger::Trace;
use crate::support::loki::{self, Place, push};
use crate::support::stack::Folder;
use crate::support::systems::{JAEGER, JAEGER_OTLP, LOKI, PROMETHEUS, VICTORIA_LOGS, ZIPKIN};
use crate::support::tls::behind_tls;
use crate::support::victoria_logs::{PUSH, find};
use crate::support::wait::{SOON, eventually};
use crate::support::workshop::{SERVICES, built, program};
use crate::zipkin::BOOKING;

/// What the program said, and the page that it wrote, if it ended well.
struct Told {
    said: String,
    page: String,
}

async fn tell(name: &str, arguments: &[&str]) -> Told {
    let folder = Folder::new(name);
    let out = folder.0.join("page.html");
    let mut command = Command::new(built("../observability"));
    command.arg("evidence").args(arguments).arg("--out").arg(&out);
    // Servers of this test answer meanwhile.
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    println!("{said}");
    Told { page: std::fs::read_to_string(out).unwrap_or_default(), said }
}

impl Told {
    #[track_caller]
    fn has(&self, parts: &[&str]) {
        for part in parts {
            assert!(self.page.contains(part), "no {part}: {}\n{}", self.said, self.page);
        }
    }

    /// The part below this heading.
    #[track_caller]
    fn below(&self, heading: &str) -> &str {
        let part = self.page.split(&format!("<h2>{heading}</h2>")).nth(1);
        part.unwrap_or_else(|| panic!("no {heading}: {}", self.page)).split("<h2>").next().unwrap()
    }
}

/// A booking whose lines the log store has.
async fn booking(variables: &[(&str, &str)], url: &str) -> Booked {
    let booked = booked(variables);
    let place = Place { namespace: "workshop", environment: "evidence" };
    assert_eq!(push(url, place, booked.lines.iter().map(String::as_str)).await.status, 204);
    booked
}

/// Until VictoriaLogs has all of its lines.
async fn until_logged(booked: &Booked) {
    eventually(SOON, "the lines in the log store", async || {
        let found = find(&format!("trace_id:=\"{}\"", booked.trace_id), 0..i64::MAX).await.len();
        if found == booked.lines.len() { Ok(()) } else { Err(format!("{found} of {}", booked.lines.len())) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stores_behind_https_are_asked_with_our_certificate_and_one_that_demands_it_is_not_without() {
    let booked =
        booking(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &JAEGER_OTLP.value())], &VICTORIA_LOGS.url(PUSH)).await;
    until_logged(&booked).await;
    Trace::whole(&booked.trace_id, &SERVICES, "").await;
    let authority = Authority::new("evidence");
    let ca = authority.file();
    let (certificate, key) = authority.client();
    let traces = behind_tls(authority.demanding(), &JAEGER.value()).await;
    let logs =
        format!("victorialogs+{}", behind_tls(authority.server(Shown::Right), &VICTORIA_LOGS.value()).await);
    let metrics = behind_tls(authority.demanding(), &PROMETHEUS.value()).await;
    let stores = ["--trace", &booked.trace_id, "--traces", &traces, "--logs", &logs, "--metrics", &metrics];
    let with = [&stores[..], &["--ca", &ca, "--certificate", &certificate, "--key", &key]].concat();
    let told = tell("evidence-https", &with).await;
    assert!(told.said.contains(&format!("{} lines", booked.lines.len())), "{}", told.said);
    assert!(told.said.contains("; 0 questions without an answer"), "{}", told.said);
    told.has(&["payments: POST", "Waterfall"]);

    let told = tell("evidence-no-client", &[&stores[..], &["--ca", &ca]].concat()).await;
    let missing = told.below("What could not be had");
    assert!(missing.contains(&traces) && missing.contains(&metrics) && !missing.contains(&logs), "{missing}");

    let told = tell("evidence-no-ca", &stores).await;
    assert!(told.below("What could not be had").contains("UnknownIssuer"), "{}", told.said);

    let wrong = tell("evidence-no-file", &[&stores[..], &["--ca", "/nowhere.pem"]].concat()).await;
    assert!(wrong.page.is_empty() && wrong.said.contains("/nowhere.pem: "), "{}", wrong.said);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn zipkins_trace_is_drawn_and_where_nobody_answers_the_page_says_so() {
    let zipkin = ZIPKIN.url("/api/v2/spans");
    let variables = [("OTEL_TRACES_EXPORTER", "zipkin"), ("OTEL_EXPORTER_ZIPKIN_ENDPOINT", &*zipkin)];
    let alone = BOOKING.lock().await;
    let booked = booking(&variables, &VICTORIA_LOGS.url(PUSH)).await;
    drop(alone);
    until_logged(&booked).await;
    let (traces, logs) =
        (format!("zipkin+{}", ZIPKIN.value()), format!("victorialogs+{}", VICTORIA_LOGS.value()));
    let nowhere = "http://127.0.0.1:9";
    let stores = ["--traces", &traces, "--logs", &logs, "--metrics", nowhere];
    let told = eventually(SOON, "all eight services on the page", async || {
        let told = tell("evidence-zipkin", &[&["--trace", &*booked.trace_id], &stores[..]].concat()).await;
        let waterfall = told.below("Waterfall");
        let has = SERVICES.iter().all(|service| waterfall.contains(service));
        if has { Ok(told) } else { Err(told.said) }
    })
    .await;
    told.has(&["payments: post", "POST 127.0.0.1", "Five whys"]);
    assert!(told.below("What could not be had").contains(nowhere));
    assert!(told.said.contains("; 1 questions without an answer"), "{}", told.said);

    // By a service and a time, without an id.
    let first: Value = serde_json::from_str(&booked.lines[0]).unwrap();
    let at = first["timestamp"].as_str().unwrap();
    let told =
        tell("evidence-service", &[&["--service", "payments", "--at", at], &stores[..]].concat()).await;
    told.has(&["Waterfall", "payments"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "not asked: it needs BACKEND_LOKI=http://… and `-- --include-ignored`"]
async fn lokis_lines_are_on_the_page() {
    let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", &*JAEGER_OTLP.value());
    let booked = booking(&[endpoint], &LOKI.url("/loki/api/v1/push")).await;
    let query = format!("{{namespace=\"workshop\"}} |= \"{}\"", booked.trace_id);
    eventually(SOON, "the lines in Loki", async || {
        let found = loki::find(&query, crate::support::booked::time_of(&booked.lines)).await.len();
        if found == booked.lines.len() { Ok(()) } else { Err(found.to_string()) }
    })
    .await;
    let (traces, logs, metrics) = (JAEGER.value(), LOKI.value(), PROMETHEUS.value());
    let stores = ["--traces", &*traces, "--logs", &logs, "--metrics", &metrics];
    let told = tell("evidence-loki", &[&["--trace", &*booked.trace_id], &stores[..]].concat()).await;
    assert!(told.said.contains(&format!("{} lines", booked.lines.len())), "{}", told.said);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lost_update_becomes_a_page_with_nothing_but_files() {
    let folder = Folder::new("vanished");
    let at = folder.0.to_str().unwrap().to_owned();
    let output = tokio::task::spawn_blocking(move || {
        Command::new(program()).args(["--vanished", "--evidence", &at]).output().unwrap()
    });
    let output = output.await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}");
    let command = said.split("observability evidence ").nth(1).unwrap().replace("\\\n", " ");
    let arguments: Vec<&str> = command.split("--out").next().unwrap().split_whitespace().collect();
    let told =
        tell("evidence-vanished", &[&arguments[..], &["--metrics", "http://127.0.0.1:9"]].concat()).await;
    told.has(&["process customers", "profile written", "customer changed", "No span failed", "Five whys"]);
    assert!(told.below("What could not be had").contains("http://127.0.0.1:9"));
}
