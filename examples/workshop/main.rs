//! A vehicle workshop of eight services, each a process of its own, and a launcher that looks at them only
//! through their telemetry.
//!
//! - `services`: one short file each, written as you would write yours.
//! - `proto`: what your build would generate of the one `.proto` there is.
//! - `plumbing`: what they share: a server's start and end, a JSON client, a store, a cache, a queue, a circuit breaker;
//!   each embedded, or a real system.
//! - `screen`: standard output, whose reader may leave.
//! - `launcher`: starts the eight, receives their spans, reads their lines and their `/metrics`, and breaks them.
//!
//! `cargo run -p workshop --example workshop -- --help` tells what it can show.

mod launcher;
mod plumbing;
mod proto;
mod screen;
mod services;

use std::path::Path;
use std::process::ExitCode;

use screen::show;

const USAGE: &str = "Usage: cargo run -p workshop --example workshop -- [--request | --vanished [--evidence FOLDER] | --load NAME | --chaos NAME | --lines | --help | SERVICE]";

const HELP: &str = "\
A vehicle workshop of eight services: eight processes, one trace.

Usage: cargo run -p workshop --example workshop -- [--request | --vanished [--evidence FOLDER] | --load NAME | --chaos NAME | --lines | --help | SERVICE]

  (nothing)    start the eight and keep them running, with a page that shows each request, and
               a line for curl
  --request    follow one booking: waterfall, log lines, rate/errors/duration
  --vanished   a customer's data is gone and no log has an error: find out why; with --evidence FOLDER
               what was heard of it is written there, for the page of `observability evidence`
  --load NAME  normal, high or find: a load, and the table of what came of it, with verdict, queries and
               plots; with --seconds N, --rate N, --out FOLDER. Build it with --release
  --lines      for a log agent or a test: only the lines of the eight, unchanged, on standard
               output, until standard input is closed or nothing reads them. Standard error has,
               in one JSON line, where they listen
  --chaos NAME something breaks on purpose: what whoever is on call sees of it, after how many seconds,
               and that all is well once it is repaired; `list` says what there is, `all` rehearses
               everything. Alerts need the program prometheus in PATH, or PROMETHEUS=/path/to/it

With OTEL_EXPORTER_OTLP_ENDPOINT set, the spans go there (a Jaeger, a collector) instead of to
the page or the launcher's own viewer; so it is with OTEL_TRACES_EXPORTER and the other exporters' variables.
--vanished always uses the viewer; with --lines every option of the environment reaches the eight.

Built with --features real-systems, each of these replaces what is embedded, and finds it empty:
  DATABASE_URL=postgres://…     the tables of customers and worker, workshop_… of that database
  REDIS_URL=redis://…           the cache of vehicles, and the queue
  AMQP_URL=amqp://…             the queue, in RabbitMQ
  KAFKA_BROKERS=host:port,…     the queue, in Kafka; before RabbitMQ, and that before Redis

BOOKINGS_COMMAND=\"python3 bookings.py\" puts another program in the place of bookings; so it is
with the other seven. Such a program finds the others by CUSTOMERS_URL and so on, posts
{\"url\": \"http://…\", \"admin\": \"\"} to LAUNCHER_URL once it listens, and ends when its standard input
is closed. inventory serves gRPC (for bookings) and HTTP (for all others) at one address.

The plates FAULT-FAIL, FAULT-PANIC, FAULT-SLOW and FAULT-EVENT have vehicles fail, panic, dawdle or log an error; a
booking of FAULT-CONSUMER fails in the worker, once. PUT /queues/bookings/paused at the worker, with true or
false, pauses that queue; PUT /flags/fraud-check at payments turns that feature on or off.

A service's name alone, such as inventory, starts that one by hand, and provider the payment
provider. LISTEN=0.0.0.0:8080 says where it listens. CALLERS=ours lets the gateway continue its callers'
traces, as behind the page of examples/stack.";

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match *arguments {
        [] => launcher::serve().await,
        ["--request"] => launcher::request().await,
        ["--vanished"] => launcher::vanished(None).await,
        ["--vanished", "--evidence", folder] => launcher::vanished(Some(Path::new(folder))).await,
        ["--load", ref load @ ..] => match launcher::Load::parse(load) {
            Ok(load) => launcher::load(load).await,
            Err(why) => return refused(&why),
        },
        ["--lines"] => launcher::lines().await,
        ["--chaos", name] => launcher::chaos(name, false).await,
        // Not in the help: a test has no time for many customers before the fault.
        ["--chaos", name, "--quick"] => launcher::chaos(name, true).await,
        ["--chaos", ..] => return refused("--chaos wants one name; --chaos list says which there are"),
        ["--vanished", ..] => return refused("--vanished wants nothing behind it, or --evidence FOLDER"),
        ["--help" | "-h"] => {
            show!("{HELP}");
            Ok(())
        }
        ["provider"] => launcher::provider().await,
        [name] if services::NAMES.contains(&name) => services::run(name).await,
        _ => return refused(&format!("no service or option is called `{}`", arguments.join(" "))),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("workshop: {error}");
            ExitCode::FAILURE
        }
    }
}

fn refused(why: &str) -> ExitCode {
    eprintln!("workshop: {why}\n{USAGE}");
    ExitCode::from(2)
}
