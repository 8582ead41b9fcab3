//! `observability view`: the page, and a command that sends to it.

mod child;
mod neighbour;
mod options;
mod signals;

use std::io::{ErrorKind, IsTerminal as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;

use tokio::sync::mpsc;
use tower_observability::{View as Page, Viewer};

use self::child::Child;
pub(super) use self::options::{HELP, View};
use self::signals::Signal;
use super::say;

/// Whose page it is.
enum Place {
    Ours(Viewer),
    /// Another view's, which was there before.
    Joined(String),
}

/// What happens while the page is open.
enum Event {
    Signal(Signal),
    /// The command's exit code.
    Ended(u8),
}

/// Opens the page or joins one, starts the command, and stays until both are to end.
pub(super) async fn run(view: View) -> Result<ExitCode, String> {
    let place = open(&view).await?;
    match &place {
        Place::Ours(viewer) => say(&format!("observability view: {}{}", viewer.url(), grpc_note(viewer))),
        Place::Joined(url) => say(&format!("observability view: {url}, which another one has opened")),
    }
    let (tell, mut events) = mpsc::channel(8);
    signals::listen(&tell, Event::Signal)?;
    let Some((program, arguments)) = view.command.split_first() else {
        if let Place::Ours(_) = place {
            events.recv().await;
        }
        return Ok(ExitCode::SUCCESS);
    };
    let mut child = Child::start(program, arguments, place.url())?;
    let id = child.id();
    tokio::spawn(async move { tell.send(Event::Ended(child.wait().await)).await });
    let mut is_told_to_end = false;
    let code = loop {
        match events.recv().await {
            Some(Event::Signal(signal)) => {
                is_told_to_end = true;
                signal.pass_on(id);
            }
            Some(Event::Ended(code)) => break code,
            None => break 1,
        }
    };
    if let (Place::Ours(viewer), false, true) = (&place, is_told_to_end, std::io::stdin().is_terminal()) {
        say(&format!(
            "observability view: the command ended with {code}; the page stays at {} until ctrl-c",
            viewer.url()
        ));
        events.recv().await;
    }
    Ok(ExitCode::from(code))
}

impl Place {
    fn url(&self) -> &str {
        match self {
            Self::Ours(viewer) => viewer.url(),
            Self::Joined(url) => url,
        }
    }
}

async fn open(view: &View) -> Result<Place, String> {
    let at = |port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let address = at(view.port());
    let page = Page::new().address(address).memory(view.memory.saturating_mul(1 << 20));
    let is_asked_for = view.grpc_port.is_some();
    let with_grpc = page.clone().grpc(at(view.grpc_port.unwrap_or(4317)));
    let mut error = match with_grpc.start().await {
        Ok(viewer) => return Ok(Place::Ours(viewer)),
        Err(error) => error,
    };
    let url = format!("http://{address}");
    if error.kind() == ErrorKind::AddrInUse && neighbour::is_view(&url).await {
        return Ok(Place::Joined(url));
    }
    // A collector may have the port of gRPC alone.
    if !is_asked_for {
        error = match page.start().await {
            Ok(viewer) => return Ok(Place::Ours(viewer)),
            Err(error) => error,
        };
    }
    match error.kind() {
        ErrorKind::AddrInUse => Err(format!(
            "{error}, and not by a view: end what uses it, perhaps a collector, or choose another port; --port 0 takes a free one"
        )),
        _ => Err(error.to_string()),
    }
}

fn grpc_note(viewer: &Viewer) -> String {
    viewer.grpc_address().map_or_else(String::new, |address| format!(" (and OTLP over gRPC at {address})"))
}
