//! Promise: what a service's author writes first compiles, and arrives in every signal.

use std::borrow::Cow;
use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::net::SocketAddr;
use std::num::NonZero;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, Response, StatusCode};
use axum::routing::get;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_observability::testing::Instance;
use tower_observability::{ObservabilityLayer, RouteLayer, Value, Work, propagation, request, side};

/// Runs this within a request, and returns the request's line.
async fn said(say: impl Fn() + Clone + Send + Sync + 'static) -> (Instance, serde_json::Value) {
    let seen = Instance::new();
    let app = Router::new().route("/", get(move || async move { say() })).layer(seen.layer());
    let response = app.oneshot(Request::get("/").body(Body::empty()).unwrap()).await.unwrap();
    response.into_body().collect().await.unwrap();
    let line = seen.only_request().closing_line().clone();
    (seen, line)
}

struct Order(u64);

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "order {}", self.0)
    }
}

#[tokio::test]
async fn a_field_may_be_whatever_is_at_hand() {
    let (seen, line) = said(|| {
        let sku = String::from("M8");
        let borrowed: &str = sku.as_str();
        assert!(request::add("sku", &sku));
        assert!(request::add("borrowed", borrowed));
        assert!(request::add("order", Value::display(Order(7))));
        assert!(request::add("id", Value::display(uuid::Uuid::nil())));
        assert!(request::add("waited", Duration::from_millis(250)));
        assert!(request::add("some", Some(&sku)));
        assert!(request::add("none", None::<u64>), "there is a request, though nothing to add");
        for part in [2_u32, 3].iter() {
            request::add("part", part);
        }
        for name in &["x", "y"] {
            request::add(format!("field_{name}"), name);
        }
    })
    .await;
    let span = seen.only_request().span().clone();
    for (key, expected) in
        [("sku", "M8"), ("borrowed", "M8"), ("order", "order 7"), ("some", "M8"), ("field_x", "x")]
    {
        assert_eq!(span.attribute(key), expected);
    }
    assert_eq!((span.attribute("waited"), span.attribute("part")), (&Value::F64(0.25), &Value::U64(3)));
    assert_eq!(line["id"], "00000000-0000-0000-0000-000000000000");
    assert!(!span.attributes.contains_key("none") && line.get("none").is_none(), "{line:#}");
}

/// What a handler has at hand besides numbers and text of its own.
struct AtHand {
    shared: Arc<str>,
    boxed: Box<str>,
    cow: Cow<'static, str>,
    note: Option<String>,
    id: uuid::Uuid,
    peer: SocketAddr,
}

#[tokio::test]
async fn a_field_is_taken_in_whatever_holds_it_and_by_reference() {
    let (seen, line) = said(|| {
        let at_hand = &AtHand {
            shared: "shared".into(),
            boxed: "boxed".into(),
            cow: "cow".into(),
            note: Some("note".into()),
            id: uuid::Uuid::nil(),
            peer: ([127, 0, 0, 1], 80).into(),
        };
        let owned = String::from("owned");
        let (owned, text): (&&String, &&str) = (&&owned, &"text");
        request::add("text_owned", owned);
        request::add("text_text", text);
        for (key, text) in
            [("text_shared", &at_hand.shared), ("text_shared_too", &Arc::clone(&at_hand.shared))]
        {
            request::add(key, text);
        }
        request::add("text_boxed", &at_hand.boxed);
        request::add("text_cow", &at_hand.cow);
        request::add_to_lines("text_note", &at_hand.note);
        request::add("text_x", 'x');
        request::add("text_a-b", format_args!("{}-{}", 'a', 'b'));
        request::add("text_/tmp", Path::new("/tmp").display());
        request::add("text_00000000-0000-0000-0000-000000000000", at_hand.id);
        request::add("text_127.0.0.1", at_hand.peer.ip());
        let (peer, least): (&SocketAddr, &i128) = (&at_hand.peer, &i128::MIN);
        request::add("text_127.0.0.1:80", peer);
        request::add("text_PUT", &Method::PUT);
        request::add("text_340282366920938463463374607431768211455", u128::MAX);
        request::add("text_-170141183460469231731687303715884105728", least);
        request::add("number", 7_u128);
        request::add("upstream", StatusCode::NOT_FOUND);
        request::add("not_zero", NonZero::new(8_u32).unwrap());
        let trace = request::trace().unwrap();
        request::add("trace", trace.trace_id);
        request::add("the_request", request::id());
        request::add("nothing", &None::<String>);
    })
    .await;
    let span = seen.only_request().span().clone();
    let texts: Vec<_> =
        span.attributes.iter().filter_map(|(key, value)| Some((key.strip_prefix("text_")?, value))).collect();
    assert_eq!(texts.len(), 16, "{texts:?}");
    for (text, value) in texts {
        assert_eq!(value, text.trim_end_matches("_too"));
    }
    assert_eq!((&line["number"], &line["upstream"], &line["not_zero"]), (&7.into(), &404.into(), &8.into()));
    assert_eq!((&line["trace"], &line["the_request"]), (&line["trace_id"], &line["request_id"]));
    assert!(line.get("nothing").is_none(), "{line:#}");
    let work =
        Work::internal("job").attribute("shared", Arc::<str>::from("a")).attribute("id", uuid::Uuid::nil());
    let seen = Instance::new();
    seen.adopt(work).run(async {}).await;
    assert_eq!(seen.spans()[0].attribute("id"), "00000000-0000-0000-0000-000000000000");
}

#[derive(Debug)]
struct Outer(std::io::Error);

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no booking")
    }
}

impl Error for Outer {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

fn outer() -> Outer {
    Outer(std::io::Error::other("no disk"))
}

#[tokio::test]
async fn an_error_may_be_boxed_in_any_way() {
    let say: [fn() -> bool; 10] = [
        || request::error(&outer()),
        || request::error(&&outer()),
        || request::error(&outer() as &dyn Error),
        || request::error(&(&outer() as &(dyn Error + Send))),
        || request::error(&Box::new(outer())),
        || request::error(&(Box::new(outer()) as Box<dyn Error>)),
        || request::error(&(Box::new(outer()) as Box<dyn Error + Send + Sync>)),
        || request::error(&(Arc::new(outer()) as Arc<dyn Error + Send + Sync>)),
        || request::error(&anyhow::Error::new(outer())),
        || request::error(&anyhow::anyhow!("no disk").context("no booking")),
    ];
    for (place, say) in say.into_iter().enumerate() {
        let (_, line) = said(move || assert!(say())).await;
        assert_eq!(line["error"], "no booking", "{place}: {line:#}");
        assert!(line["error_chain"].to_string().contains("no disk"), "{place}: {line:#}");
        assert_eq!(line["outcome"], "ok", "{place}: {line:#}");
    }
}

#[tokio::test]
async fn an_error_shows_nothing_of_a_url_that_may_be_a_secret() {
    let error = || std::io::Error::other("send (http://me:SECRET@host/path?key=SECRET&page=1): refused");
    let seen = Instance::new();
    let _subscribed = seen.subscribe();
    let say = move || async move {
        assert!(request::error(&error()));
        tracing::error!(error = &Outer(error()) as &dyn Error, cause = &error() as &dyn Error, "not sent");
        tracing::info_span!("sending", error = &error() as &dyn Error).in_scope(|| tracing::info!("within"));
    };
    let app = Router::new().route("/", get(say)).layer(seen.layer());
    let response = app.oneshot(Request::get("/").body(Body::empty()).unwrap()).await.unwrap();
    response.into_body().collect().await.unwrap();
    let shown = "send (http://REDACTED@host/path?REDACTED): refused";
    assert_eq!(seen.only_request().closing_line()["error"], shown);
    let lines = seen.lines();
    let event = lines.iter().find(|line| line["message"] == "not sent").unwrap();
    assert_eq!(event["cause"], shown);
    assert!(event["error_chain"].to_string().contains(shown), "{event:#}");
    let told = format!("{lines:?} {:?}", seen.spans());
    assert!(told.contains(shown) && !told.contains("SECRET"), "{told}");
}

#[tokio::test]
async fn an_error_of_a_generic_type_is_one_as_well() {
    fn generic<E: Error>(error: &E) -> bool {
        request::error(error)
    }
    let (_, line) = said(|| {
        let _ = Err::<(), _>(outer()).inspect_err(|error| assert!(generic(error) && request::error(error)));
    })
    .await;
    assert_eq!(line["error"], "no booking");
}

#[tokio::test]
async fn a_router_within_the_layer_is_served_as_it_stands() {
    let seen = Instance::new();
    let router = Router::new().route("/bookings/{id}", get(|| async { "booked" }));
    let app = seen.layer().layer(router.route_layer(RouteLayer::new()));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = axum::serve(listener, app).with_graceful_shutdown(async { _ = stopped.await });
    let server = tokio::spawn(async { server.await });
    for (path, status) in [("/bookings/7", 200), ("/elsewhere", 404)] {
        let client = Client::builder(TokioExecutor::new()).build_http::<Empty<bytes::Bytes>>();
        assert_eq!(
            client.get(format!("http://{address}{path}").parse().unwrap()).await.unwrap().status(),
            status
        );
    }
    drop(stop);
    server.await.unwrap().unwrap();
    assert_eq!(seen.wait_for("/bookings/{id}").await.closing_line()["status"], 200);
    assert_eq!(seen.wait_for("/elsewhere").await.closing_line()["status"], 404);
}

#[tokio::test]
async fn any_other_service_is_served_too_and_with_the_callers_address() {
    let seen = Instance::new();
    let whole =
        service_fn(|_: Request<Body>| async { Ok::<_, Infallible>(Response::new("whole".to_owned())) });
    let app = seen.layer().layer(whole).into_make_service_with_connect_info::<SocketAddr>();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap();
    let server = tokio::spawn(async { axum::serve(listener, app).await });
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<bytes::Bytes>>();
    let body = client.get(to).await.unwrap().into_body().collect().await.unwrap();
    assert_eq!(body.to_bytes(), "whole");
    assert_eq!(seen.wait_for("/").await.span().attribute("client.address"), "127.0.0.1");
    server.abort();
}

#[tokio::test]
async fn a_handler_sets_baggage_for_the_calls_that_it_makes() {
    let seen = Instance::new();
    let sent = |layer: ObservabilityLayer<side::Client>| async move {
        let called = service_fn(|request: Request<()>| async move {
            let baggage = request.headers().get("baggage").map(|value| value.to_str().unwrap().to_owned());
            Ok::<_, Infallible>(Response::new(baggage.unwrap_or_default()))
        });
        let call = Request::get("http://db.internal/").body(()).unwrap();
        layer.layer(called).oneshot(call).await.unwrap().into_body().collect().await.unwrap().to_bytes()
    };
    let listed = seen.client_layer().baggage_to([".internal"]);
    let unlisted = seen.client_layer().baggage_to(["elsewhere.example"]);
    let work = seen.adopt(Work::internal("job"));
    work.run(async {
        assert!(request::set_baggage("customer", "a b") && request::set_baggage("tier", "gold"));
        assert!(request::set_baggage("tier", "silver"), "a later value replaces the earlier one");
        assert!(!request::set_baggage("no key", "x") && !request::set_baggage("big", &"x".repeat(9_000)));
        assert_eq!(request::baggage().get("customer"), Some("a b"));
        assert_eq!(sent(listed).await, "customer=a%20b,tier=silver");
        assert_eq!(sent(unlisted).await, "");
        let mut message = std::collections::HashMap::new();
        propagation::inject(&mut message);
        assert_eq!(message["baggage"], "customer=a%20b,tier=silver");
    })
    .await;
    assert!(!request::set_baggage("customer", "x"), "outside of a request there is none");
}
