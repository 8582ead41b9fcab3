//! `--chaos`: breaks one thing on purpose, and shows what whoever is on call sees of it, in the order in which he sees it.
//!
//! ```text
//! fault ─► cause ─► the eight ─► alert, metric, trace, line ─► watch ─► table
//!            └─ proxy, switch, signal, process, file system
//! ```

mod cause;
mod fault;
mod faults;
mod inside;
mod prometheus;
mod rehearsal;
mod rules;
mod show;
mod small_disk;
mod traffic;
mod watch;

use self::fault::Fault;
use self::rehearsal::rehearse;
use crate::plumbing::BoxError;
use crate::screen::show;

static FAULTS: [[Fault; 7]; 2] = [faults::BETWEEN, inside::INSIDE];

/// Rehearses the fault of this name, or `all`, or says which there are (`list`). An error, if something of it was not seen.
pub(crate) async fn chaos(name: &str, is_quick: bool) -> Result<(), BoxError> {
    if name == "list" {
        for fault in FAULTS.iter().flatten() {
            show!("  {:14} {}", fault.name, fault.story);
        }
        return Ok(());
    }
    let chosen: Vec<&Fault> =
        FAULTS.iter().flatten().filter(|fault| name == "all" || fault.name == name).collect();
    if chosen.is_empty() {
        return Err(format!("no fault is called `{name}`; --chaos list names them").into());
    }
    let has_disk = small_disk::is_there();
    // A small file system needs a name space of its own, in which the whole rehearsal runs.
    if !has_disk && chosen.iter().any(|fault| fault.needs_disk()) {
        if small_disk::is_possible().await {
            return small_disk::with_one(name, is_quick).await;
        }
        show!(
            "  disk is not rehearsed: it needs Linux with name spaces of users (`unshare --user --mount`)."
        );
    }
    let chosen = chosen.into_iter().filter(|fault| has_disk || !fault.needs_disk());
    let (mut reports, mut failed) = (Vec::new(), Vec::new());
    for fault in chosen {
        match rehearse(fault, is_quick).await {
            Ok(report) => reports.push(report),
            Err(error) => failed.push(format!("{}: {error}", fault.name)),
        }
    }
    if reports.len() > 1 {
        show::table(&reports);
    }
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n").into()) }
}
