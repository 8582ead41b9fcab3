//! Promise: what a layer may be asked to tell otherwise is told so on span and line, and nothing else changes by it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::request::Builder;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::IntoResponse;
use axum::routing::get;
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tower::{Layer, ServiceExt};
use tower_observability::testing::{Instance, Span};
use tower_observability::{Kind, ObservabilityLayer, Outcome, Priority, RouteLayer, request, side};

use crate::support::server::Server;

const SERVED: &str = "http_server_request_duration_seconds_count";

fn asked(path: &str) -> Builder {
    Request::get(path).header("host", "shop.example").header("x-tenant", "blue").header("x-tenant", "green")
}

async fn page() -> impl IntoResponse {
    tracing::info!("at work");
    ([("x-cache", "miss"), ("set-cookie", "session=s3cr3t")], "page")
}

fn router() -> Router {
    Router::new()
        .route("/page/{id}", get(page))
        .route("/users/{id}/reset/{token}", get(page))
        .route("/broken", get(|| async { StatusCode::SERVICE_UNAVAILABLE }))
}

/// Sends a request through and reads the answer to its end.
async fn ask(seen: &Instance, service: Router, request: Builder) {
    let response = seen.scope(service.oneshot(request.body(Body::empty()).unwrap())).await.unwrap();
    response.into_body().collect().await.unwrap();
}

/// What became of one request to a layer that is changed so.
async fn told(
    change: impl FnOnce(ObservabilityLayer) -> ObservabilityLayer,
    request: Builder,
) -> (Instance, Span) {
    let seen = Instance::new();
    ask(&seen, router().layer(change(seen.layer())), request).await;
    let span = seen.only_request().span().clone();
    (seen, span)
}

/// One call of a client that is changed so, to a server that knows these paths.
async fn called(
    change: impl FnOnce(ObservabilityLayer<side::Client>) -> ObservabilityLayer<side::Client>,
    path: &str,
) -> (Instance, Span) {
    let (seen, server) = (Instance::new(), Server::start(router()).await);
    let client = change(seen.client_layer()).layer(Client::builder(TokioExecutor::new()).build_http());
    let request = Request::get(server.url(path)).header("x-tenant", "blue");
    let response = client.oneshot(request.body(Empty::<Bytes>::new()).unwrap()).await.unwrap();
    response.into_body().collect().await.unwrap();
    let span = seen.spans().into_iter().find(|span| span.kind == Kind::Client).unwrap();
    (seen, span)
}

fn last_line(seen: &Instance) -> serde_json::Value {
    seen.lines().pop().unwrap()
}

/// What is the same whether something was chosen or not.
fn unchosen(span: &Span, seen: &Instance) -> (Vec<String>, Vec<String>, f64) {
    let line = last_line(seen);
    let keys = line.as_object().unwrap().keys().cloned().collect();
    (span.attributes.keys().cloned().collect(), keys, seen.metric(SERVED, &[]))
}

#[tokio::test]
async fn headers_are_captured_if_they_are_listed_and_never_else() {
    let request = || asked("/page/7").header("authorization", "Bearer s3cr3t").header("accept", "text/html");
    let (seen, span) = told(
        |layer| {
            layer
                .capture_request_headers(["X-Tenant", "Authorization", "x-absent"])
                .capture_response_headers(["x-cache", "set-cookie", "x-request-id"])
        },
        request(),
    )
    .await;
    assert_eq!(span.attribute("http.request.header.x-tenant"), ["blue", "green"]);
    assert_eq!(span.attribute("http.request.header.authorization"), ["REDACTED"]);
    assert_eq!(span.attribute("http.response.header.x-cache"), ["miss"]);
    assert_eq!(span.attribute("http.response.header.set-cookie"), ["REDACTED"]);
    let line = last_line(&seen);
    assert_eq!(line["http.request.header.x-tenant"], "blue, green");
    assert_eq!(line["http.response.header.x-cache"], "miss");
    assert!(!seen.to_string().contains("s3cr3t") && !format!("{line}{span:?}").contains("s3cr3t"));
    assert!(
        !line.to_string().contains("text/html")
            && !span.attributes.contains_key("http.request.header.accept")
    );

    let (mut attributes, mut keys, count) = unchosen(&span, &seen);
    attributes.retain(|key| !key.contains(".header."));
    keys.retain(|key| !key.contains(".header."));
    let (seen, span) = told(|layer| layer, request()).await;
    assert_eq!(unchosen(&span, &seen), (attributes, keys, count));
    assert!(!seen.scrape().contains("blue"));
}

#[tokio::test]
async fn a_calls_headers_are_captured_both_ways() {
    let (_, span) = called(
        |layer| layer.capture_request_headers(["x-tenant"]).capture_response_headers(["x-cache"]),
        "/page/7",
    )
    .await;
    assert_eq!(span.attribute("http.request.header.x-tenant"), ["blue"]);
    assert_eq!(span.attribute("http.response.header.x-cache"), ["miss"]);
    let (_, span) = called(|layer| layer, "/page/7").await;
    assert!(!span.attributes.keys().any(|key| key.contains(".header.")));
}

#[tokio::test]
async fn what_a_stranger_sends_in_a_captured_header_is_bounded_and_safe() {
    let mut request = asked("/page/7").header("x-own", HeaderValue::from_bytes(b"a\xffz").unwrap());
    for _ in 0..100 {
        request = request.header("x-long", "v".repeat(5_000));
    }
    let (seen, span) = told(|layer| layer.capture_request_headers(["x-own", "x-long"]), request).await;
    assert_eq!(span.attribute("http.request.header.x-own"), ["a\u{fffd}z"]);
    let long = last_line(&seen)["http.request.header.x-long"].as_str().unwrap().len();
    assert!((1_024..9_000).contains(&long), "{long}");
}

#[tokio::test]
async fn hooks_say_something_of_the_request_and_of_its_response() {
    let (seen, span) = told(
        |layer| {
            let on_request = |parts: &axum::http::request::Parts| {
                request::add("tenants", parts.headers.get_all("x-tenant").iter().count());
                tracing::info!("it begins");
            };
            layer.on_request(on_request).on_response(|parts| {
                request::add("cache", parts.headers["x-cache"].to_str().unwrap().to_owned());
            })
        },
        asked("/page/7"),
    )
    .await;
    assert_eq!(span.attribute("tenants"), 2);
    assert_eq!(span.attribute("cache"), "miss");
    let request = seen.only_request();
    assert_eq!(request.line("it begins")["path"], "/page/7");
    let line = last_line(&seen);
    assert_eq!((&line["tenants"], &line["cache"]), (&2.into(), &"miss".into()));

    let (mut attributes, mut keys, count) = unchosen(&span, &seen);
    attributes.retain(|key| key != "tenants" && key != "cache");
    keys.retain(|key| key != "tenants" && key != "cache");
    let (seen, span) = told(|layer| layer, asked("/page/7")).await;
    assert_eq!(unchosen(&span, &seen), (attributes, keys, count));
}

#[tokio::test]
async fn a_hook_may_say_how_the_request_ended() {
    let accept = |layer: ObservabilityLayer| {
        layer.on_response(|parts| {
            if parts.status == StatusCode::SERVICE_UNAVAILABLE {
                request::outcome(Outcome::Ok);
            }
        })
    };
    let (seen, span) = told(accept, asked("/broken")).await;
    assert_eq!((span.attribute("observability.outcome"), span.is_error()), (&"ok".into(), false));
    assert_eq!((&last_line(&seen)["outcome"], &last_line(&seen)["level"]), (&"ok".into(), &"INFO".into()));
    assert!(!seen.scrape().contains("error_type=\"server_error\""));
}

#[tokio::test]
async fn a_calls_hooks_speak_of_the_call() {
    let (seen, span) = called(
        |layer| {
            let sent = |headers: &HeaderMap| headers.contains_key("traceparent");
            layer
                .on_request(move |parts| {
                    request::add("sent_context", sent(&parts.headers));
                })
                .on_response(|parts| {
                    request::add("answered", parts.status.as_u16());
                })
        },
        "/broken",
    )
    .await;
    assert_eq!(span.attribute("sent_context"), true);
    assert_eq!(span.attribute("answered"), 503);
    assert_eq!(last_line(&seen)["answered"], 503);
}

#[tokio::test]
async fn a_hook_that_panics_reaches_no_request() {
    let (seen, span) =
        told(|layer| layer.on_request(|_| panic!("no")).on_response(|_| panic!("no")), asked("/page/7"))
            .await;
    assert_eq!(span.attribute("http.response.status_code"), 200);
    assert_eq!(span.attribute("observability.outcome"), "ok");
    assert_eq!(seen.metric(SERVED, &[("http_response_status_code", "200")]), 1.0);
}

#[tokio::test]
async fn a_filter_or_a_maker_of_spans_that_panics_reaches_no_request_either() {
    let (seen, span) =
        told(|layer| layer.filter(|_| panic!("no")).request_span_with(|| panic!("no")), asked("/page/7"))
            .await;
    assert_eq!(span.attribute("url.path"), "/page/7");
    assert_eq!(span.attribute("observability.outcome"), "ok");
    assert_eq!(seen.metric(SERVED, &[("http_response_status_code", "200")]), 1.0);
}

#[tokio::test]
async fn a_hidden_part_of_a_path_is_on_no_span_and_no_line() {
    let hide = |layer: ObservabilityLayer| layer.redact_path("/users/{id}/reset/{token}", ["token"]);
    let (seen, span) = told(hide, asked("/users/7/reset/s3cr3t?to=s3cr3t")).await;
    assert_eq!(span.attribute("url.path"), "/users/7/reset/REDACTED");
    assert_eq!(span.attribute("http.route"), "/users/{id}/reset/{token}");
    let paths: Vec<_> = seen.lines().iter().map(|line| line["path"].clone()).collect();
    assert_eq!(paths, ["/users/7/reset/REDACTED"; 2]);
    assert!(!format!("{seen}{span:?}{:?}{}", seen.lines(), seen.scrape()).contains("s3cr3t"));

    let (seen, span) = told(|layer| layer, asked("/users/7/reset/s3cr3t")).await;
    assert_eq!(span.attribute("url.path"), "/users/7/reset/s3cr3t");
    assert_eq!(seen.lines()[0]["path"], "/users/7/reset/s3cr3t");
    let (_, span) = told(hide, asked("/page/7")).await;
    assert_eq!(span.attribute("url.path"), "/page/7");
}

#[tokio::test]
async fn it_is_hidden_before_the_route_is_known_and_where_there_is_none() {
    let hide = |layer: ObservabilityLayer| layer.redact_path("/users/{id}/reset/{token}", ["token"]);
    // The layer stands outside of the router, which tells the route only later.
    let seen = Instance::new();
    let early = axum::middleware::from_fn(|request: Request, next: axum::middleware::Next| async move {
        tracing::info!("no route yet");
        next.run(request).await
    });
    let service = hide(seen.layer()).layer(early.layer(router().route_layer(RouteLayer::new())));
    let request = asked("/users/7/reset/s3cr3t").body(Body::empty()).unwrap();
    seen.scope(service.oneshot(request)).await.unwrap().into_body().collect().await.unwrap();
    let lines = seen.lines();
    assert_eq!(
        (&lines[0]["message"], &lines[0]["route"]),
        (&"no route yet".into(), &serde_json::Value::Null)
    );
    assert_eq!(lines.len(), 3);
    assert!(lines.iter().all(|line| line["path"] == "/users/7/reset/REDACTED"), "{seen}");

    let (seen, span) = told(hide, asked("/users/7//reset/s3cr3t/")).await;
    assert_eq!(span.attribute("http.response.status_code"), 404);
    assert_eq!(span.attribute("url.path"), "/users/7//reset/REDACTED/");
    assert_eq!(last_line(&seen)["message"], "GET /users/7//reset/REDACTED/ 404");
}

#[tokio::test]
async fn a_request_with_a_hidden_path_is_still_observed_once() {
    let seen = Instance::new();
    let hide = |layer: ObservabilityLayer| layer.redact_path("/users/{id}/reset/{token}", ["token"]);
    let nested = Router::new().route("/reset/{token}", get(page)).layer(seen.layer());
    let service = Router::new().nest("/users/{id}", nested).layer(hide(seen.layer()));
    ask(&seen, service, asked("/users/7/reset/s3cr3t")).await;
    assert_eq!(seen.only_request().span().attribute("url.path"), "/users/7/reset/REDACTED");

    // The layer within the inner router sees only the path's end.
    let seen = Instance::new();
    let nested = Router::new().route("/reset/{token}", get(page)).layer(hide(seen.layer()));
    ask(&seen, Router::new().nest("/users/{id}", nested), asked("/users/7/reset/s3cr3t")).await;
    assert_eq!(seen.only_request().span().attribute("url.path"), "/reset/REDACTED");
}

#[tokio::test]
async fn a_calls_url_hides_and_shows_the_same() {
    let change = |layer: ObservabilityLayer<side::Client>| {
        layer.redact_path("/page/{id}", ["id"]).show_query(["page"])
    };
    let (_, span) = called(change, "/page/s3cr3t?page=2&key=s3cr3t").await;
    let url = span.attribute("url.full").to_string();
    assert!(url.ends_with("/page/REDACTED?page=2&key=REDACTED"), "{url}");
}

#[tokio::test]
async fn the_values_of_listed_query_keys_are_shown_everywhere_or_on_one_path() {
    let change = |layer: ObservabilityLayer| layer.show_query(["sort"]).show_query_of("/page/{id}", ["page"]);
    let (seen, span) = told(change, asked("/page/7?page=2&sort=up&token=s3cr3t&Page=3")).await;
    assert_eq!(span.attribute("url.query"), "page=2&sort=up&token=REDACTED&Page=REDACTED");
    assert!(!last_line(&seen).to_string().contains("sort=up"), "a line has no query");
    let (_, span) = told(change, asked("/broken?page=2&sort=up")).await;
    assert_eq!(span.attribute("url.query"), "page=REDACTED&sort=up");
    let (_, span) = told(|layer| layer, asked("/page/7?page=2")).await;
    assert_eq!(span.attribute("url.query"), "page=REDACTED");
}

#[tokio::test]
async fn a_span_is_called_as_the_user_wants_and_lines_and_metrics_are_not() {
    let change = |layer: ObservabilityLayer| {
        layer.span_name(|method, route| format!("shop {} ({method})", route.unwrap_or("nowhere")))
    };
    let (seen, span) = told(change, asked("/page/7")).await;
    assert_eq!(span.name, "shop /page/{id} (GET)");
    assert_eq!(last_line(&seen)["message"], "GET /page/{id} 200");
    assert_eq!(seen.metric(SERVED, &[("http_route", "/page/{id}")]), 1.0);
    assert_eq!(told(change, asked("/none")).await.1.name, "shop nowhere (GET)");
    let (_, span) =
        called(|layer| layer.span_name(|method, host| format!("{method} {}", host.unwrap())), "/page/7")
            .await;
    assert_eq!(span.name, "GET 127.0.0.1");
    assert_eq!(told(|layer| layer, asked("/page/7")).await.1.name, "GET /page/{id}");
}

#[tokio::test]
async fn a_name_that_is_none_is_the_usual_one() {
    assert_eq!(
        told(|layer| layer.span_name(|_, _| String::new()), asked("/page/7")).await.1.name,
        "GET /page/{id}"
    );
    let (_, span) = told(|layer| layer.span_name(|_, _| panic!("no")), asked("/page/7")).await;
    assert_eq!(span.name, "GET /page/{id}");
}

#[tokio::test]
async fn nobodys_code_is_called_for_what_is_not_observed() {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    let seen = Instance::new();
    let layer = seen.layer().filter(|_| false).on_request(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
    });
    ask(&seen, router().layer(layer), asked("/page/7")).await;
    assert_eq!((calls.load(Ordering::Relaxed), seen.spans().len()), (0, 0));
}

const PRIORITY: &str = "observability.route.priority";

#[tokio::test]
async fn a_routes_priority_is_on_span_and_line_and_a_series_before_the_first_request() {
    let seen = Instance::new();
    let layer = seen.layer().priority("/page/{id}", Priority::Low).priority("/page/{id}", Priority::High);
    // Two layers say the same once.
    let router = router().layer(layer.clone()).layer(layer);
    let series = [("http_route", "/page/{id}"), ("priority", "high")];
    assert_eq!(seen.metric("observability_route_priority", &series), 1.0, "{}", seen.scrape());
    assert!(!seen.scrape().contains("priority=\"low\""));
    for path in ["/page/7", "/broken"] {
        ask(&seen, router.clone(), asked(path)).await;
    }
    let stated = seen.request("GET /page/{id}");
    assert_eq!(stated.span().attribute(PRIORITY), "high");
    assert_eq!(stated.closing_line()[PRIORITY], "high");
    assert!(seen.request("GET /broken").closing_line().get(PRIORITY).is_none());
    let served = seen.scrape();
    assert!(served.lines().filter(|line| line.contains("priority=")).count() == 1, "{served}");
}

#[tokio::test]
async fn a_layer_around_the_router_learns_the_priority_with_the_route() {
    let seen = Instance::new();
    let layer = seen.layer().priority("/page/{id}", Priority::High);
    let service = layer.layer(router().route_layer(RouteLayer::new()));
    let request = asked("/page/7").body(Body::empty()).unwrap();
    let response = seen.scope(service.oneshot(request)).await.unwrap();
    response.into_body().collect().await.unwrap();
    assert_eq!(seen.only_request().span().attribute(PRIORITY), "high");
}

#[tokio::test]
async fn a_feature_flag_is_on_span_and_line_of_the_request_that_asked_for_it() {
    let seen = Instance::new();
    let router = Router::new().route(
        "/price",
        get(|| async {
            assert!(request::feature_flag("new-prices", "off") && request::feature_flag("new-prices", "on"))
        }),
    );
    ask(&seen, router.layer(seen.layer()), asked("/price")).await;
    let asked = seen.only_request();
    assert_eq!(asked.span().attribute("observability.feature_flag.new-prices"), "on");
    assert_eq!(asked.closing_line()["observability.feature_flag.new-prices"], "on");
    assert!(!request::feature_flag("new-prices", "on"), "outside of a request nothing is recorded");
}
