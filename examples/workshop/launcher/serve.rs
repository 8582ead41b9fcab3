//! The workshop that keeps running, to play with.

use super::children::Workshop;
use super::environment::Environment;
use super::evidence::Line;
use super::output::Output;
use super::{paint, request};
use crate::plumbing::BoxError;
use crate::screen::{show, without_reader};

/// Starts the eight, says how to talk to them, and shows their lines until ctrl-c, or until they are not read any more.
pub(crate) async fn serve() -> Result<(), BoxError> {
    Workshop::run(Environment::Exporters, Output::Shown(show), async |workshop| {
        welcome(workshop);
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => Ok(interrupted?),
            () = without_reader() => Ok(()),
        }
    })
    .await?;
    Ok(())
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
