//! Promise: a call of gRPC is observed by gRPC's conventions, on both sides, to its status; and nothing of the
//! call changes.

mod calls;
mod choices;
mod interop;
mod shop;
mod strangers;

use std::time::Duration;

use futures_util::{StreamExt, stream};
use hyper_util::client::legacy;
use hyper_util::rt::TokioExecutor;
use shop::{Client, Order, Orders, Shop, order};
use tonic::{Code, Request};
use tower::Layer as _;
use tower_observability::testing::{Instance, Request as Seen, Span};
use tower_observability::{Kind, Outcome};

use crate::support::server::Server;

async fn shop() -> (Instance, Shop) {
    let seen = Instance::new();
    let shop = Shop::open(Some(seen.layer())).await;
    (seen, shop)
}

/// The one request, once it has ended.
async fn only(seen: &Instance) -> Seen {
    let ended = || seen.lines().iter().any(|line| line.get("outcome").is_some()).then_some(());
    seen.until("the call's line", ended).await;
    seen.only_request()
}

fn has(span: &Span, attributes: &[(&str, &str)]) {
    for (key, value) in attributes {
        assert_eq!(span.attribute(key), *value, "{key}: {span:#?}");
    }
}

/// The series of a histogram that counted something.
fn counted(seen: &Instance, metric: &str) -> Vec<String> {
    let start = format!("{metric}_count");
    let page = seen.scrape();
    let series =
        page.lines().filter_map(|line| line.strip_prefix(&start)).filter(|line| !line.ends_with(" 0"));
    series.map(str::to_owned).collect()
}

#[tokio::test]
async fn a_call_has_what_the_conventions_ask_of_a_server_and_nothing_of_http() {
    let (seen, shop) = shop().await;
    let _subscribed = seen.subscribe();
    shop.client().await.place(order(Code::Ok, "")).await.unwrap();
    let call = only(&seen).await;
    let span = call.span();
    assert_eq!((span.name.as_str(), span.kind, span.is_error()), ("shop.Orders/Place", Kind::Server, false));
    has(
        span,
        &[
            ("rpc.system.name", "grpc"),
            ("rpc.method", "shop.Orders/Place"),
            ("rpc.response.status_code", "OK"),
            ("server.address", "127.0.0.1"),
            ("network.protocol.name", "http"),
            ("network.protocol.version", "2"),
            ("observability.outcome", "ok"),
        ],
    );
    assert_eq!(*span.attribute("server.port"), i64::from(shop.address.port()));
    let odd = |key: &&String| key.starts_with("http.") || key.starts_with("url.") || *key == "error.type";
    assert_eq!(span.attributes.keys().filter(odd).collect::<Vec<_>>(), Vec::<&String>::new(), "{span:#?}");
    let line = call.closing_line();
    assert_eq!((&line["level"], &line["message"]), (&"INFO".into(), &"POST /shop.Orders/Place OK".into()));
    assert_eq!((&line["rpc_method"], &line["rpc_status"]), (&"shop.Orders/Place".into(), &"OK".into()));
    assert_eq!(
        (&line["path"], line.get("status"), line.get("route")),
        (&"/shop.Orders/Place".into(), None, None)
    );
    assert_eq!(call.line("an order")["trace_id"], line["trace_id"], "what the handler says is of its call");
    let series = r#"{rpc_method="shop.Orders/Place",rpc_response_status_code="OK",rpc_system_name="grpc"} 1"#;
    assert_eq!(counted(&seen, "rpc_server_call_duration_seconds"), [series]);
    assert!(counted(&seen, "http_server_request_duration_seconds").is_empty(), "one histogram, not two");
    assert!(seen.scrape().contains(r#"rpc_response_status_code="INTERNAL",rpc_system_name="grpc"} 0"#));
    assert_eq!(call.metric("rpc_server_call_duration_seconds_count"), 1.0);
    assert!(seen.scrape_openmetrics().contains(&span.trace.trace_id.to_string()), "an exemplar");
}

#[tokio::test]
async fn every_status_has_its_outcome_its_level_and_is_an_error_only_where_the_conventions_say_so() {
    let rows = [
        (Code::Cancelled, "CANCELLED", "cancelled", "WARN", false),
        (Code::Unknown, "UNKNOWN", "server_error", "ERROR", true),
        (Code::InvalidArgument, "INVALID_ARGUMENT", "client_error", "INFO", false),
        (Code::DeadlineExceeded, "DEADLINE_EXCEEDED", "timeout", "WARN", true),
        (Code::NotFound, "NOT_FOUND", "client_error", "INFO", false),
        (Code::AlreadyExists, "ALREADY_EXISTS", "client_error", "INFO", false),
        (Code::PermissionDenied, "PERMISSION_DENIED", "client_error", "INFO", false),
        (Code::ResourceExhausted, "RESOURCE_EXHAUSTED", "client_error", "INFO", false),
        (Code::FailedPrecondition, "FAILED_PRECONDITION", "client_error", "INFO", false),
        (Code::Aborted, "ABORTED", "client_error", "INFO", false),
        (Code::OutOfRange, "OUT_OF_RANGE", "client_error", "INFO", false),
        (Code::Unimplemented, "UNIMPLEMENTED", "server_error", "ERROR", true),
        (Code::Internal, "INTERNAL", "server_error", "ERROR", true),
        (Code::Unavailable, "UNAVAILABLE", "server_error", "ERROR", true),
        (Code::DataLoss, "DATA_LOSS", "server_error", "ERROR", true),
        (Code::Unauthenticated, "UNAUTHENTICATED", "client_error", "INFO", false),
    ];
    for (code, name, outcome, level, is_error) in rows {
        // A refusal is a head without trailers; one behind messages stands in the trailers.
        for streamed in [false, true] {
            let (seen, shop) = shop().await;
            let mut client = shop.client().await;
            // So that the method is known.
            client.place(order(Code::Ok, "")).await.unwrap();
            let status = if streamed {
                let asked = Order { sizes: vec![7], ..order(code, "no: é") };
                let mut replies = client.list(asked).await.unwrap().into_inner();
                assert!(replies.message().await.unwrap().is_some());
                replies.message().await.unwrap_err()
            } else {
                client.place(order(code, "no: é")).await.unwrap_err()
            };
            assert_eq!((status.code(), status.message()), (code, "no: é"));
            let lines = || seen.lines().into_iter().find(|line| line["rpc_status"] == name);
            let line = seen.until("the call's line", lines).await;
            let method = if streamed { "shop.Orders/List" } else { "shop.Orders/Place" };
            assert_eq!((&line["outcome"], &line["level"]), (&outcome.into(), &level.into()), "{name}");
            assert_eq!((&line["rpc_method"], &line["error"]), (&method.into(), &"no: é".into()), "{name}");
            let spans = seen.spans();
            let span =
                spans.iter().find(|span| *span.attribute("rpc.response.status_code") == *name).unwrap();
            assert_eq!((span.name.as_str(), span.is_error()), (method, is_error), "{name}");
            assert_eq!(
                span.attributes.get("error.type").is_some_and(|error| error == name),
                is_error,
                "{span:#?}"
            );
            let error = if is_error { format!("error_type=\"{name}\",") } else { String::new() };
            let series = format!(
                "{{{error}rpc_method=\"{method}\",rpc_response_status_code=\"{name}\",rpc_system_name=\"grpc\"}} 1"
            );
            assert!(counted(&seen, "rpc_server_call_duration_seconds").contains(&series), "{series}");
        }
    }
}

#[tokio::test]
async fn streams_of_all_kinds_are_observed_to_their_end() {
    let (seen, shop) = shop().await;
    let mut client = shop.client().await;
    let some = Order { payload: vec![1; 10], sizes: vec![30], ..Order::default() };
    client.total(vec![some.clone(); 3]).await.unwrap();
    let listed = client.list(Order { sizes: vec![1, 2, 3], ..Order::default() }).await.unwrap();
    assert_eq!(listed.into_inner().count().await, 3);
    let talked = client.talk(stream::iter(vec![some; 4])).await.unwrap();
    assert_eq!(talked.into_inner().count().await, 4);
    for (method, least) in [("Total", 30), ("List", 6), ("Talk", 120)] {
        let call = seen.wait_for(&format!("shop.Orders/{method}")).await;
        has(call.span(), &[("rpc.response.status_code", "OK"), ("observability.outcome", "ok")]);
        assert!(call.closing_line()["response_bytes"].as_u64().unwrap() > least, "{call}");
    }
}

#[tokio::test]
async fn a_method_that_does_not_exist_adds_no_series_and_no_name() {
    let (seen, shop) = shop().await;
    let mut client = shop.client().await;
    for path in ["/shop.Orders/Steal", "/shop.Nobody/Home", "/scan.0/1", "/scan.0/2"] {
        assert_eq!(client.unary(path, Order::default()).await.unwrap_err().code(), Code::Unimplemented);
        let call = seen.wait_for(path).await;
        assert_eq!(call.span().name, "grpc");
        has(call.span(), &[("rpc.method", "_OTHER"), ("rpc.method_original", &path[1..])]);
        has(call.span(), &[("error.type", "UNIMPLEMENTED")]);
        assert_eq!(call.closing_line()["rpc_method"], "_OTHER");
    }
    let series = r#"{error_type="UNIMPLEMENTED",rpc_method="_OTHER",rpc_response_status_code="UNIMPLEMENTED",rpc_system_name="grpc"} 4"#;
    assert_eq!(counted(&seen, "rpc_server_call_duration_seconds"), [series]);
    assert!(!seen.scrape().contains("Steal"));
}

/// What a layer before the services says, it says of any method.
#[tokio::test]
async fn who_may_not_ask_adds_no_name_until_the_method_has_answered_somebody() {
    let seen = Instance::new();
    let refuse =
        axum::middleware::from_fn(|request: axum::extract::Request, next: axum::middleware::Next| async {
            if request.headers().contains_key("let-me-in") {
                return next.run(request).await;
            }
            tonic::Status::unauthenticated("who are you?").into_http::<axum::body::Body>()
        });
    let routes = tonic::service::Routes::new(Orders::default()).into_axum_router();
    let server = Server::start(routes.layer(refuse).layer(seen.layer())).await;
    let origin: http::Uri = server.url("").parse().unwrap();
    let channel = tonic::transport::Endpoint::from(origin.clone()).connect().await.unwrap();
    let mut client = Client::new(channel, origin);
    let ask = async |client: &mut Client<_>, let_in: bool| {
        let mut request = Request::new(Order::default());
        if let_in {
            request.metadata_mut().insert("let-me-in", "please".parse().unwrap());
        }
        let before = seen.lines().len();
        let code = client.unary("/shop.Orders/Secret", request).await.err().map(|status| status.code());
        let news =
            || seen.lines().get(before..).filter(|lines| !lines.is_empty()).map(|lines| lines[0].clone());
        (code, seen.until("its line", news).await["rpc_method"].clone())
    };
    let refused = Some(Code::Unauthenticated);
    assert_eq!(ask(&mut client, false).await, (refused, "_OTHER".into()));
    assert_eq!(ask(&mut client, true).await.1, "shop.Orders/Secret");
    assert_eq!(ask(&mut client, false).await, (refused, "shop.Orders/Secret".into()));
}

#[tokio::test]
async fn under_axum_the_method_is_the_name_and_the_rest_of_the_router_is_http() {
    let seen = Instance::new();
    let routes = tonic::service::Routes::new(Orders::default()).into_axum_router();
    let router = routes.route("/about", axum::routing::get(|| async { "a shop" }));
    let server = Server::start(router.layer(seen.layer())).await;
    let origin: http::Uri = server.url("").parse().unwrap();
    let channel = tonic::transport::Endpoint::from(origin.clone()).connect().await.unwrap();
    let mut client = Client::new(channel, origin);
    client.place(order(Code::Ok, "")).await.unwrap();
    client.place(order(Code::NotFound, "")).await.unwrap_err();
    client.unary("/shop.Orders/Steal", Order::default()).await.unwrap_err();
    let browser = legacy::Client::builder(TokioExecutor::new()).build_http::<axum::body::Body>();
    browser.get(server.url("/about").parse().unwrap()).await.unwrap();
    seen.wait_for("GET /about").await;
    let mut names: Vec<_> = seen.spans().into_iter().map(|span| span.name).collect();
    names.sort_unstable();
    assert_eq!(names, ["GET /about", "grpc", "shop.Orders/Place", "shop.Orders/Place"]);
    assert_eq!(counted(&seen, "http_server_request_duration_seconds").len(), 1);
}

#[tokio::test]
async fn an_answer_that_is_none_of_grpc_is_one_of_http_to_the_server_and_a_status_to_the_caller() {
    let (served, called) = (Instance::new(), Instance::new());
    let answer = |request: axum::extract::Request| async move {
        let status = request.uri().path().rsplit('/').next().unwrap().parse().unwrap();
        (axum::http::StatusCode::from_u16(status).unwrap(), "not gRPC")
    };
    let server = Server::start(axum::Router::new().fallback(answer).layer(served.layer())).await;
    let origin: http::Uri = server.url("").parse().unwrap();
    let channel = tonic::transport::Endpoint::from(origin.clone()).connect().await.unwrap();
    let mut client = Client::new(called.client_layer().layer(channel), origin);
    for (path, name, outcome) in [
        ("/a.B/400", "INTERNAL", "client_error"),
        ("/a.B/401", "UNAUTHENTICATED", "client_error"),
        ("/a.B/403", "PERMISSION_DENIED", "client_error"),
        ("/a.B/404", "UNIMPLEMENTED", "client_error"),
        ("/a.B/429", "UNAVAILABLE", "client_error"),
        ("/a.B/503", "UNAVAILABLE", "server_error"),
        ("/a.B/500", "UNKNOWN", "server_error"),
        ("/a.B/200", "UNKNOWN", "ok"),
    ] {
        client.unary(path, Order::default()).await.unwrap_err();
        let request = served.wait_for(path).await;
        let line = request.closing_line();
        assert_eq!(line["outcome"], outcome, "{path}");
        assert!(line.get("rpc_status").is_none() && line.get("rpc_method").is_none(), "{line:#}");
        assert_eq!(line["status"].to_string(), path.rsplit('/').next().unwrap(), "{line:#}");
        let spans = called.spans();
        has(spans.last().unwrap(), &[("rpc.response.status_code", name), ("error.type", name)]);
    }
    assert!(counted(&served, "rpc_server_call_duration_seconds").is_empty(), "a stranger's word is no call");
    assert!(!counted(&served, "http_server_request_duration_seconds").is_empty());
}

#[tokio::test]
async fn a_stream_that_ends_without_trailers_has_no_status_and_is_unknown() {
    let (seen, shop) = shop().await;
    shop.client().await.unary("/shop.Orders/Mute", Order::default()).await.unwrap_err();
    let call = only(&seen).await;
    has(call.span(), &[("rpc.response.status_code", "UNKNOWN"), ("error.type", "UNKNOWN")]);
}

#[tokio::test]
async fn a_panic_is_one_in_all_signals() {
    let (seen, shop) = shop().await;
    shop.client().await.unary("/shop.Orders/Fall", Order::default()).await.unwrap_err();
    let call = only(&seen).await;
    // It is no proof that there is such a method.
    has(call.span(), &[("rpc.method", "_OTHER"), ("rpc.response.status_code", "UNKNOWN")]);
    has(call.span(), &[("error.type", "panic"), ("observability.outcome", "panic")]);
    assert_eq!(call.closing_line()["message"], "POST /shop.Orders/Fall UNKNOWN panic");
}

#[tokio::test]
async fn who_waits_too_long_is_a_timeout_and_who_hangs_up_has_cancelled() {
    for (patience, name, outcome, is_error) in [
        // Long enough that a tenth of a second may pass before the request is there.
        (Some(Duration::from_millis(1_600)), "DEADLINE_EXCEEDED", "timeout", true),
        (None, "CANCELLED", "cancelled", false),
    ] {
        let (seen, shop) = shop().await;
        let mut client = shop.client().await;
        let mut request = Request::new(Order::default());
        if let Some(patience) = patience {
            request.set_timeout(patience);
        }
        let call = client.unary("/shop.Orders/Wait", request);
        if patience.is_some() {
            call.await.unwrap_err();
        } else {
            tokio::select! { _ = call => panic!("nobody answers"), () = shop.orders.waits.notified() => {} }
        }
        let call = only(&seen).await;
        has(call.span(), &[("rpc.response.status_code", name), ("observability.outcome", outcome)]);
        assert_eq!(call.span().is_error(), is_error, "{call}");
        assert_eq!(call.closing_line()["level"], "WARN");
    }
}

#[tokio::test]
async fn a_stream_that_its_reader_leaves_is_cancelled() {
    let (seen, shop) = shop().await;
    let mut client = shop.client().await;
    let forever = Order { sizes: vec![1], ..order(Code::Ok, shop::AND_WAIT) };
    let mut replies = client.list(forever).await.unwrap().into_inner();
    replies.message().await.unwrap().unwrap();
    drop(replies);
    let call = only(&seen).await;
    has(call.span(), &[("rpc.method", "shop.Orders/List"), ("rpc.response.status_code", "CANCELLED")]);
    assert!(!call.span().is_error(), "{call}");
}

#[tokio::test]
async fn the_callers_trace_and_request_id_come_by_metadata_and_the_id_goes_back() {
    let (seen, shop) = shop().await;
    let mut request = Request::new(order(Code::Ok, ""));
    let caller = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    request.metadata_mut().insert("traceparent", caller.parse().unwrap());
    request.metadata_mut().insert("x-request-id", "order-7".parse().unwrap());
    let answer = shop.client().await.place(request).await.unwrap();
    assert_eq!(answer.metadata().get("x-request-id").unwrap(), "order-7");
    let call = only(&seen).await;
    assert_eq!(call.span().trace.trace_id.to_string(), caller[3..35]);
    assert_eq!(call.span().parent.unwrap().to_string(), caller[36..52]);
    assert_eq!(call.closing_line()["request_id"], "order-7");
}

#[tokio::test]
async fn the_services_own_word_wins() {
    let seen = Instance::new();
    let says = tower::service_fn(|_: http::Request<tonic::body::Body>| async {
        tower_observability::request::outcome(Outcome::ServerError);
        Ok::<_, std::convert::Infallible>(tonic::Status::not_found("").into_http::<tonic::body::Body>())
    });
    let request = http::Request::post("/a.B/C").version(http::Version::HTTP_2);
    let request =
        request.header("content-type", "application/grpc").body(tonic::body::Body::default()).unwrap();
    tower::ServiceExt::oneshot(tower::Layer::layer(&seen.layer(), says), request).await.unwrap();
    let call = seen.only_request();
    has(call.span(), &[("rpc.response.status_code", "NOT_FOUND"), ("error.type", "server_error")]);
    assert_eq!(call.closing_line()["level"], "ERROR");
}

/// The bytes of a call that asks for nothing, by HTTP/1.1, as a browser sends it.
fn from_a_browser(url: String) -> http::Request<axum::body::Body> {
    let request = http::Request::post(url).header("content-type", "application/grpc-web");
    request.body(axum::body::Body::from(&b"\0\0\0\0\0"[..])).unwrap()
}

#[tokio::test]
async fn grpc_web_is_grpc_inside_of_what_translates_it_and_a_request_of_http_outside() {
    for inside in [true, false] {
        let seen = Instance::new();
        let routes = tonic::service::Routes::new(Orders::default()).into_axum_router();
        let router = if inside {
            routes.layer(seen.layer()).layer(tonic_web::GrpcWebLayer::new())
        } else {
            routes.layer(tonic_web::GrpcWebLayer::new()).layer(seen.layer())
        };
        let server = Server::start(router).await;
        let client = legacy::Client::builder(TokioExecutor::new()).build_http();
        let answer = client.request(from_a_browser(server.url("/shop.Orders/Place"))).await.unwrap();
        http_body_util::BodyExt::collect(answer).await.unwrap();
        let call = only(&seen).await;
        let line = call.closing_line();
        if inside {
            has(call.span(), &[("rpc.method", "shop.Orders/Place"), ("network.protocol.version", "1.1")]);
            assert_eq!((&line["rpc_status"], &line["outcome"]), (&"OK".into(), &"ok".into()));
        } else {
            assert_eq!((&line["status"], line.get("rpc_status")), (&200.into(), None));
            assert!(call.span().name.starts_with("POST"), "{call}");
        }
    }
}
