//! Who listens at a port that is in use?

use std::time::Duration;

use http_body_util::{BodyExt, Empty, Limited};
use hyper::Uri;
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(3);
const LONGEST_ANSWER: usize = 1 << 20;

/// Is it a view?
pub(super) async fn is_view(url: &str) -> bool {
    let state = timeout(PATIENCE, state(url)).await;
    state.ok().flatten().is_some_and(|state| state["name"] == "observability view")
}

async fn state(url: &str) -> Option<Value> {
    let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let answer = client.get(format!("{url}/api/state").parse::<Uri>().ok()?).await.ok()?;
    let body = Limited::new(answer.into_body(), LONGEST_ANSWER).collect().await.ok()?;
    serde_json::from_slice(&body.to_bytes()).ok()
}
