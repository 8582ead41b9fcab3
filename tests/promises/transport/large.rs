//! What strangers make large costs no other span: over gRPC, to a collector of tonic with the 4 MiB that every one has.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use http::{Request as Asked, Response as Answered};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_observability::ObservabilityLayer;

use super::*;

const LONG: usize = 60_000;
const TOO_LONG: usize = 5_000_000;
const LARGE: usize = 90;
const HARMLESS: usize = 36;

/// Requests with user agents of 60 kB, harmless ones among them, and one that no request has room for.
pub(super) fn requests() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let observability = tower_observability::init("transport").unwrap();
        for number in 0..LARGE + HARMLESS {
            let agent = if number % 7 < 5 { LONG } else { 10 };
            ask("/ordinary", agent).await;
        }
        ask("/too-large", TOO_LONG).await;
        observability.flush(std::time::Duration::from_secs(20)).await;
        let page = get(&observability.admin_address().unwrap().to_string(), "/metrics");
        page.lines().filter(|line| line.contains("spans_shortened")).for_each(|line| println!("{line}"));
        println!("report: {}", observability.shutdown().await.spans);
    });
}

async fn ask(path: &str, agent: usize) {
    let handler = service_fn(|_| async { Ok::<_, Infallible>(Answered::new(String::new())) });
    let asked = Asked::get(path).header("user-agent", "x".repeat(agent)).body(String::new()).unwrap();
    drop(ObservabilityLayer::new().layer(handler).oneshot(asked).await.unwrap());
}

/// Keeps what it is sent.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<Span>>>);

#[tonic::async_trait]
impl TraceService for Kept {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let scopes =
            request.into_inner().resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
        self.0.lock().unwrap().extend(scopes.flat_map(|scope| scope.spans));
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

/// What arrives at a collector of tonic, and what the program says.
fn collected(variables: &[(&str, &str)], limit: Option<usize>) -> (Vec<Span>, Ended) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let kept = Kept::default();
    let service = TraceServiceServer::new(kept.clone());
    let service = match limit {
        Some(bytes) => service.max_decoding_message_size(bytes),
        None => service,
    };
    let listener = runtime.block_on(async { TcpIncoming::bind(([127, 0, 0, 1], 0).into()) }).unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(Server::builder().add_service(service).serve_with_incoming(listener));
    let child = Child::new("transport", "requests").env(ENDPOINT, format!("http://{address}"));
    let child = child.env(PROTOCOL, "grpc").env("OTEL_BSP_EXPORT_TIMEOUT", "2000");
    let child = variables.iter().fold(child, |child, (name, value)| child.env(name, value));
    let ended = child.end().well();
    runtime.shutdown_background();
    let spans = std::mem::take(&mut *kept.0.lock().unwrap());
    (spans, ended)
}

fn agent(span: &Span) -> usize {
    let agent = span.attributes.iter().find(|pair| pair.key == "user_agent.original");
    match agent.and_then(|pair| pair.value.as_ref()?.value.as_ref()) {
        Some(Value::StringValue(text)) => text.len(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn only_what_is_too_large_is_shortened_and_nothing_is_dropped() {
    let (spans, ended) = collected(&[], None);
    let all = LARGE + HARMLESS + 1;
    assert_eq!(
        ended.said("report: "),
        format!("{all} delivered, 0 unconfirmed, 0 dropped"),
        "{:?}",
        ended.output
    );
    let of = |length: usize| spans.iter().filter(|span| agent(span) == length).count();
    assert_eq!((spans.len(), of(LONG), of(10)), (all, LARGE, HARMLESS));
    assert_eq!(spans.iter().filter(|span| ![LONG, 10].contains(&agent(span))).count(), 1);
    assert_eq!(ended.said("observability_spans_shortened_total "), "1");
    let told: Vec<_> = ended.messages("WARN").into_iter().filter(|said| said.contains("larger")).collect();
    assert_eq!(
        told,
        ["spans were larger than a request may be: 1 had their texts shortened, 0 were dropped"]
    );
}

#[test]
fn a_collector_with_a_lower_limit_is_told_by_the_variable_and_until_then_the_line_names_it() {
    const SIZE: &str = "OBSERVABILITY_EXPORT_MAX_REQUEST_SIZE";
    let (spans, ended) = collected(&[(SIZE, "1000000")], Some(1_000_000));
    assert_eq!(spans.len(), LARGE + HARMLESS + 1, "{:?}", ended.output);
    let (_, ended) = collected(&[], Some(1_000_000));
    let told = ended.messages("WARN").into_iter().find(|said| said.contains("cannot be delivered"));
    assert!(told.as_ref().is_some_and(|said| said.contains(SIZE)), "{told:?}: {:?}", ended.output);
}
