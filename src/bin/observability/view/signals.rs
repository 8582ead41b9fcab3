//! Signals: heard, and passed on to the command.

use std::io::IsTerminal as _;

use rustix::process::{Pid, kill_process};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::Sender;

/// One that asks for the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    Interrupt,
    Terminate,
    Hangup,
}

/// Tells of each signal that arrives, from now on.
pub(super) fn listen<E: Send + 'static>(tell: &Sender<E>, event: fn(Signal) -> E) -> Result<(), String> {
    for (kind, which) in [
        (SignalKind::interrupt(), Signal::Interrupt),
        (SignalKind::terminate(), Signal::Terminate),
        (SignalKind::hangup(), Signal::Hangup),
    ] {
        let mut heard = signal(kind).map_err(|error| format!("signals cannot be heard: {error}"))?;
        let tell = tell.clone();
        tokio::spawn(async move {
            while heard.recv().await.is_some() && tell.send(event(which)).await.is_ok() {}
        });
    }
    Ok(())
}

impl Signal {
    /// Sends it to the command, unless the terminal has done so already.
    pub(super) fn pass_on(self, process: u32) {
        let signal = match self {
            // Ctrl-C goes to all processes of a terminal; twice would mean: at once.
            Self::Interrupt if std::io::stdin().is_terminal() => return,
            Self::Interrupt => rustix::process::Signal::INT,
            Self::Terminate => rustix::process::Signal::TERM,
            Self::Hangup => rustix::process::Signal::HUP,
        };
        let process = i32::try_from(process).ok().and_then(Pid::from_raw);
        process.map(|process| kill_process(process, signal));
    }
}
