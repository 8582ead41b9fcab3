//! Traces that matter at one per cent, over the eight services, in the real Jaeger; by each of the ways in which a request
//! can turn out to matter.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::time::Duration;

use serde_json::json;

use super::judged::{Row, Said, about_one_per_cent, print, rows, there, traces};
use super::load::{Asked, LOAD, load, unreadable};
use crate::support::stack::Folder;
use crate::support::systems::JAEGER_OTLP;
use crate::support::wait::{SOON, eventually};
use crate::support::workshop::{SERVICES, Workshop, ask, program};

/// The messages of some bookings lie in the queue for so long.
const LATER: Duration = Duration::from_secs(125);

const TOKEN: &str = "hush";

/// A program in the place of a service that says its process id, so that it can be ended before the others.
struct Ended {
    folder: Folder,
    service: &'static str,
}

impl Ended {
    fn new(service: &'static str) -> Self {
        let folder = Folder::new("kept");
        let (id, program) = (folder.0.join("id"), program());
        let script = format!("#!/bin/sh\necho $$ >{}\nexec {} {service}\n", id.display(), program.display());
        let path = folder.write("run", &script);
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
        Self { folder, service }
    }

    fn command(&self) -> String {
        self.folder.0.join("run").to_str().unwrap().to_owned()
    }

    fn kill(&self) {
        let id = std::fs::read_to_string(self.folder.0.join("id")).unwrap();
        assert!(
            Command::new("kill").args(["-KILL", id.trim()]).status().unwrap().success(),
            "{}",
            self.service
        );
    }
}

fn start(vehicles: &Ended) -> Workshop {
    Workshop::start(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &JAEGER_OTLP.value()),
        ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
        ("OTEL_TRACES_SAMPLER_ARG", "0.01"),
        ("OBSERVABILITY_TRACES_KEEP", "errors,slow"),
        ("OBSERVABILITY_TRACES_KEEP_SLOW", "500"),
        ("OBSERVABILITY_TRACES_KEEP_TIME", "300000"),
        ("OBSERVABILITY_TRACES_KEEP_MEMORY", "67108864"),
        ("OBSERVABILITY_TRACES_PEERS", "127.0.0.0/8,localhost"),
        ("OBSERVABILITY_TRACES_PEERS_TOKEN", TOKEN),
        // What the provider takes at once is no timeout on a busy machine.
        ("PROVIDER_MAY_TAKE_MS", "1000"),
        ("VEHICLES_COMMAND", &vehicles.command()),
    ])
}

fn pause(workshop: &Workshop, is_paused: bool) {
    let url = format!("{}/queues/bookings/paused", workshop.addresses("worker").url);
    assert_eq!(ask("PUT", &url, &[], Some(&json!(is_paused))).status, 200);
}

/// The sum of a metric over all services whose series contain this.
fn sum(workshop: &Workshop, series: &str) -> f64 {
    let of = |service: &&str| {
        let page = ask("GET", &format!("{}/metrics", workshop.addresses(service).admin), &[], None).body;
        let samples = page.lines().filter(|line| line.starts_with(series));
        samples.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum::<f64>()
    };
    SERVICES.iter().map(of).sum()
}

/// Messages that nobody may send, about traces that are held: without the token, with a wrong one, and again what has
/// been said before. Returns how many there were.
fn forge(workshop: &Workshop, held: &[&String], kept: &[&String]) -> usize {
    let mut sent = 0;
    let mut post = |service: &str, token: Option<&str>, text: &str| {
        let url = format!("{}/keep", workshop.addresses(service).admin);
        let headers: Vec<_> = token.iter().map(|token| ("authorization", *token)).collect();
        sent += 1;
        post_text(&url, &headers, text)
    };
    let keep = |ids: &[&String]| ids.iter().map(|id| format!("keep {id}\n")).collect::<String>();
    for service in SERVICES {
        assert!(matches!(post(service, None, &keep(held)), 401 | 403), "without a token");
        for _ in 0..100 {
            let status = post(service, Some("Bearer guessed"), &keep(&held[..held.len().min(100)]));
            assert!(matches!(status, 401 | 403), "with a wrong token");
        }
        // A replay says what is known already.
        let status = post(service, Some(&format!("Bearer {TOKEN}")), &keep(&kept[..kept.len().min(50)]));
        assert!((200..300).contains(&status), "{status}");
    }
    for id in held.iter().take(100) {
        // A stranger at the public edge who says that the trace is kept.
        let traceparent = format!("00-{id}-00f067aa0ba902b7-00");
        let headers = [("traceparent", &*traceparent), ("observability-peer", "127.0.0.1:9;kept")];
        ask("GET", &format!("{}/vehicles/B-WS-7", workshop.gateway()), &headers, None);
        sent += 1;
    }
    sent
}

/// The status of an answer to a text.
fn post_text(url: &str, headers: &[(&str, &str)], text: &str) -> u16 {
    use std::io::{Read as _, Write as _};
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = std::net::TcpStream::connect(host).unwrap();
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!("POST /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{headers}");
    write!(stream, "{head}content-length: {}\r\n\r\n{text}", text.len()).unwrap();
    let mut answer = String::new();
    // Who is refused may find the connection closed before all was read.
    let _ = stream.read_to_string(&mut answer);
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{answer:?}"))
}

/// Bookings whose messages lie in the queue until this is done. Nothing of them has failed before.
async fn later<T>(
    workshop: &Workshop,
    kind: &'static str,
    requests: u64,
    meanwhile: impl AsyncFnOnce() -> T,
) -> (Vec<Asked>, T) {
    workshop.steady_provider();
    // The plan may have left the circuit to it open, which closes with the first payment that it takes.
    eventually(SOON, "a booking is taken", async || {
        let answer = workshop.ask_for_booking(4_711, &[]);
        if answer.status == 201 { Ok(()) } else { Err(format!("{answer:?}")) }
    })
    .await;
    pause(workshop, true);
    let asked = load(workshop, &[unreadable(kind, requests)]);
    assert!(asked.iter().all(|asked| asked.status == 201), "{asked:#?}");
    let done = meanwhile().await;
    pause(workshop, false);
    (asked, done)
}

fn ids(traces: &BTreeMap<String, Said>, matter: bool) -> Vec<&String> {
    traces.iter().filter(|(_, said)| said.matters() == matter).map(|(id, _)| id).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_one_per_cent_every_trace_that_matters_is_whole_over_all_services_and_others_are_not_there() {
    let vehicles = Ended::new("vehicles");
    let workshop = start(&vehicles);
    let asked = load(&workshop, &LOAD);
    let first = traces(&workshop, &asked).await;
    let mut table = rows(&first, &asked, "").await;
    let held =
        (sum(&workshop, "observability_spans_held "), sum(&workshop, "observability_spans_held_bytes "));
    let (kept, messages, bytes) = (
        ids(&first, true).len() as f64,
        sum(&workshop, "observability_peer_messages_total{direction=\"sent\"}"),
        sum(&workshop, "observability_peer_message_bytes_total{direction=\"sent\"}"),
    );
    println!(
        "{messages} messages of {bytes} bytes, {:.1} and {:.0} for each kept trace",
        messages / kept,
        bytes / kept
    );
    println!("held: {} spans of {:.1} MiB in eight services", held.0, held.1 / 1048576.0);

    let (others, matter) = (ids(&first, false), ids(&first, true));
    let forged = forge(&workshop, &others, &matter);
    let refused = sum(&workshop, "observability_peer_messages_total{direction=\"refused\"}");
    assert!(refused >= 800.0, "{refused}");

    let (asked, ()) =
        later(&workshop, "consumer fails two minutes later", 20, async || tokio::time::sleep(LATER).await)
            .await;
    table.extend(rows(&traces(&workshop, &asked).await, &asked, "").await);

    // A service that ends before anybody knows that the trace matters.
    let (asked, _port) = later(&workshop, "the same, and vehicles has been killed", 20, async || {
        vehicles.kill();
        // It is gone in a moment, and nobody else may get its port and answer in its place.
        let address = workshop.addresses("vehicles").admin.replace("http://", "");
        eventually(SOON, "the killed service is gone", async || {
            std::net::TcpListener::bind(&address).map_err(|error| error.to_string())
        })
        .await
    })
    .await;
    table.extend(rows(&traces(&workshop, &asked).await, &asked, "vehicles").await);

    // Long after all that was forged.
    let there = there(&others).await;
    let none = Row {
        kind: "forged, flooded, replayed".to_owned(),
        requests: forged,
        expected: 0,
        whole: 0,
        incomplete: vec![],
    };
    table.push(none);
    print(&table);
    println!("of the {} others {there} are there", others.len());
    assert!(matter.len() >= 100 && others.len() >= 1_000, "{} and {}", matter.len(), others.len());
    about_one_per_cent(there, others.len());
    eventually(SOON, "the messages to the killed service are given up", async || {
        let messages = ["gateway", "bookings"].map(|service| {
            let page = ask("GET", &format!("{}/metrics", workshop.addresses(service).admin), &[], None).body;
            let lines: Vec<_> =
                page.lines().filter(|line| line.starts_with("observability_peer_messages_total")).collect();
            lines.join(", ")
        });
        let has_failed = |messages: &String| {
            messages.contains("{direction=\"failed\"}") && !messages.contains("{direction=\"failed\"} 0")
        };
        if messages.iter().any(has_failed) { Ok(()) } else { Err(messages.join("; ")) }
    })
    .await;
}
