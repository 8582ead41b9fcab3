//! The workshop that keeps running, to play with.

use super::children::Workshop;
use super::environment::Environment;
use super::evidence::Line;
use super::output::Output;
use super::{paint, request};
use crate::plumbing::BoxError;

/// Starts the eight, says how to talk to them, and shows their lines until ctrl-c.
pub(crate) async fn serve() -> Result<(), BoxError> {
    Workshop::run(Environment::Exporters, Output::Shown(show), async |workshop| {
        welcome(workshop);
        Ok(tokio::signal::ctrl_c().await?)
    })
    .await?;
    Ok(())
}

fn welcome(workshop: &Workshop) {
    println!("\n{} Book a visit, from another terminal:\n", paint::bold("Eight services are running."));
    println!("  curl {} \\", workshop.gateway("/bookings"));
    println!("    -H 'content-type: application/json' -d '{}'\n", request::order());
    println!("Their metrics:\n");
    for (name, addresses) in workshop.addresses() {
        println!("  {name:13} {}/metrics", addresses.admin);
    }
    println!("\nctrl-c ends it all; `-- --help` tells of more.\n");
}

/// Only what belongs to a trace; how the services start is not the story.
fn show(line: &Line) {
    if !line.row.get("trace_id").is_empty() {
        println!("{}", request::short(line, line.row.get("time")));
    }
}
