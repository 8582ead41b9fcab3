//! A call to another service: what the client's side of the layer puts onto it.
//!
//! `cargo run -p examples --example client` starts a small server, asks it through the layer, and prints the headers that
//! arrived there. The same trace id is on both spans.

mod shared;

use std::error::Error;

use axum::http::{HeaderMap, Request};
use axum::{Router, body::Body, routing::get};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tower::{Layer, ServiceExt};
use tower_observability::{Admin, ObservabilityLayer};

/// Answers with the headers that it got.
async fn echo(headers: HeaderMap) -> String {
    let lines = headers.iter().map(|(name, value)| format!("  {name}: {}\n", value.to_str().unwrap_or("…")));
    lines.collect()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    shared::refuse_arguments("client");
    let observability = tower_observability::builder("client").admin(Admin::new().port(0)).init()?;

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/echo", listener.local_addr()?);
    let server = Router::new().route("/echo", get(echo)).layer(ObservabilityLayer::new());
    tokio::spawn(async move { axum::serve(listener, server).await });
    tracing::info!(
        "listening at {url} until its one call is answered; OTEL_TRACES_EXPORTER=console shows the trace"
    );

    let client = Client::builder(TokioExecutor::new()).build_http::<Body>();
    let client = ObservabilityLayer::client().layer(client);
    let response = client.oneshot(Request::get(&url).body(Body::empty())?).await?;

    let status = response.status();
    let headers = response.into_body().collect().await?.to_bytes();
    shared::print(format_args!(
        "{url} answered {status}; it was asked with\n{}",
        String::from_utf8_lossy(&headers)
    ));
    observability.shutdown().await;
    Ok(())
}
