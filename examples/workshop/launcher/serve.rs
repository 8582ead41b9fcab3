//! The workshop that keeps running, to play with.

use std::io::ErrorKind;
use std::sync::Arc;

use tower_observability::{View, Viewer};

use super::children::Workshop;
use super::environment::{ENDPOINT, Environment};
use super::evidence::Line;
use super::output::Output;
use super::{paint, request};
use crate::plumbing::BoxError;
use crate::screen::{show, without_reader};

/// Starts the eight, says how to talk to them, and shows their lines until ctrl-c, or until they are not read any more.
pub(crate) async fn serve() -> Result<(), BoxError> {
    let viewer = match Environment::chosen() {
        Environment::Viewer => Some(view().await?),
        _ => None,
    };
    let variables = viewer.iter().flat_map(sends_to).collect();
    Workshop::run_with(
        Arc::default(),
        Environment::Exporters,
        Output::Shown(show),
        variables,
        async |workshop| {
            if let Some(viewer) = &viewer {
                show!("\n{} {}", paint::bold("See each request on one page:"), viewer.url());
            }
            welcome(workshop);
            tokio::select! {
                interrupted = tokio::signal::ctrl_c() => Ok(interrupted?),
                () = without_reader() => Ok(()),
            }
        },
    )
    .await?;
    Ok(())
}

/// The page, at its usual address if that is free.
async fn view() -> std::io::Result<Viewer> {
    match View::new().start().await {
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            View::new().address(([127, 0, 0, 1], 0)).start().await
        }
        started => started,
    }
}

/// What has a service send all three signals to the page, soon, beside what it does without.
fn sends_to(viewer: &Viewer) -> Vec<(String, String)> {
    let mut variables = vec![(ENDPOINT, viewer.url()), ("OTEL_METRIC_EXPORT_INTERVAL", "2000")];
    variables.push(("OTEL_METRICS_EXPORTER", "prometheus,otlp"));
    if std::env::var_os("OTEL_LOGS_EXPORTER").is_none() {
        variables.push(("OTEL_LOGS_EXPORTER", "console,otlp"));
    }
    variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn welcome(workshop: &Workshop) {
    show!("\n{} Book a visit, from another terminal:\n", paint::bold("Eight services are running."));
    show!("  curl {} \\", workshop.gateway("/bookings"));
    show!("    -H 'content-type: application/json' -d '{}'\n", request::order());
    show!("Their metrics:\n");
    for (name, addresses) in workshop.addresses() {
        show!("  {name:13} {}/metrics", addresses.admin);
    }
    show!("\nctrl-c ends it all; `-- --help` tells of more.\n");
}

/// Only what belongs to a trace; how the services start is not the story.
fn show(line: &Line) {
    if !line.row.get("trace_id").is_empty() {
        show!("{}", request::short(line, line.row.get("time")));
    }
}
