//! The response says its trace, where the layer is told to.

use super::*;

const PARENT_TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

async fn timings(layer: ObservabilityLayer) -> Vec<String> {
    let handler = || async { ([("server-timing", "db;dur=5")], "hello") };
    let router = Router::new().route("/", get(handler)).layer(layer);
    let parts = hello(asked("/").header("traceparent", PARENT), router).await;
    parts.headers.get_all("server-timing").iter().map(|value| value.to_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn the_response_says_its_trace_only_where_that_is_chosen_and_beside_the_services_timings() {
    let seen = Instance::new();
    assert_eq!(timings(seen.layer()).await, ["db;dur=5"]);

    let seen = Instance::new();
    let said = timings(seen.layer().server_timing()).await;
    let span = the_span(&seen).trace;
    let trace = String::from_utf8(span.to_traceparent().to_vec()).unwrap();
    assert!(trace.contains(PARENT_TRACE));
    assert_eq!(said, ["db;dur=5".to_owned(), format!("trace;desc={trace}")]);
}
