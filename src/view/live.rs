//! `/api/live`: server-sent events that say that something came.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body_util::channel::{Channel, Sender};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{sleep, timeout};

use super::shared::Shared;
use super::store::Change;

/// Between two events.
const PAUSE: Duration = Duration::from_millis(250);
/// Then a comment says that the connection is still there.
const SILENCE: Duration = Duration::from_secs(15);

/// The events, beginning with what is held now.
pub(super) async fn live(State(shared): State<Shared>) -> Response {
    let Ok(permit) = shared.live.clone().try_acquire_owned() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "too many pages are open\n").into_response();
    };
    let (sender, body) = Channel::new(1);
    tokio::spawn(tell(shared, sender, permit));
    ([(header::CONTENT_TYPE, "text/event-stream")], Body::new(body)).into_response()
}

async fn tell(shared: Shared, mut sender: Sender<Bytes>, _permit: OwnedSemaphorePermit) {
    let mut changes = shared.store.changes();
    let mut told = None;
    loop {
        let change = *changes.borrow_and_update();
        let text = match told == Some(change) {
            _ if change == Change::End => return,
            true => ": still here\n\n".to_owned(),
            false => event(&shared),
        };
        told = Some(change);
        if sender.send_data(text.into()).await.is_err() {
            return;
        }
        sleep(PAUSE).await;
        _ = timeout(SILENCE, changes.changed()).await;
    }
}

fn event(shared: &Shared) -> String {
    let held = shared.store.read();
    let (version, spans, lines) = (held.version, held.spans(), held.lines.len());
    format!("event: change\ndata: {{\"version\":{version},\"spans\":{spans},\"lines\":{lines}}}\n\n")
}
