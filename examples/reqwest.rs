//! A call to another service with reqwest: change the line that makes the client, and every call is observed.
//!
//! `cargo run -p examples --features reqwest --example reqwest` starts a small server, asks it twice, and prints what arrived
//! there. Nothing listens where the second call goes; its line says `connection_refused`.

mod shared;

use std::error::Error;
use std::time::Duration;

use axum::{Router, http::HeaderMap, routing::get};
use tower_observability::{Admin, ObservabilityLayer};

/// Answers with the headers that it got.
async fn echo(headers: HeaderMap) -> String {
    let lines = headers.iter().map(|(name, value)| format!("  {name}: {}\n", value.to_str().unwrap_or("…")));
    lines.collect()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    shared::refuse_arguments("reqwest");
    let observability = tower_observability::builder("client").admin(Admin::new().port(0)).init()?;

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/echo", listener.local_addr()?);
    let server = Router::new().route("/echo", get(echo)).layer(ObservabilityLayer::new());
    tokio::spawn(async move { axum::serve(listener, server).await });
    tracing::info!(
        "listening at {url} until two calls are made; OTEL_TRACES_EXPORTER=console shows their traces"
    );

    let client = reqwest::Client::builder().timeout(Duration::from_secs(2));
    let layer = ObservabilityLayer::client().no_context_to(["api.example.org"]);
    let client = layer.reqwest_with(client, reqwest::redirect::Policy::default())?;

    let response = client.get(&url).query(&[("token", "s3cret")]).send().await?;
    let status = response.status();
    shared::print(format_args!("{url} answered {status}; it was asked with\n{}", response.text().await?));

    if let Err(error) = client.get("http://127.0.0.1:9/closed").send().await {
        shared::print(error);
    }
    observability.shutdown().await;
    Ok(())
}
