//! Promise: reqwest's client is observed as any other, one span for each `send`; nothing follows a redirect to a host
//! that must not see it.

use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Redirect;
use axum::routing::{any, get};
use bytes::Bytes;
use futures_util::stream;
use http_body::Frame;
use http_body_util::StreamBody;
use reqwest::redirect::Policy;
use tower::ServiceExt;
use tower_observability::reqwest::Client;
use tower_observability::testing::Instance;
use tower_observability::{ObservabilityLayer, request, side};

use super::words::{answering, word};
use super::{CALLER, client_span};
use crate::support::port::free_address;
use crate::support::server::Server;

const INSIDE: &str = "orders.internal";
const OUTSIDE: &str = "partner.example";

fn said(headers: &HeaderMap) -> String {
    let line = |(name, value): (_, &http::HeaderValue)| format!("{name}: {}\n", value.to_str().unwrap());
    headers.iter().map(line).collect()
}

/// Answers with the method, the headers and the body that it got; or sends on to another host.
async fn echo() -> Server {
    let everything = |method: http::Method, headers: HeaderMap, body: String| async move {
        format!("method: {method}\n{}body: {body}\n", said(&headers))
    };
    let away = |Path((status, host)): Path<(u16, String)>, headers: HeaderMap| async move {
        let port = headers["host"].to_str().unwrap().rsplit_once(':').unwrap().1.to_owned();
        let to = format!("http://{host}:{port}/headers");
        (StatusCode::from_u16(status).unwrap(), [("location", to)])
    };
    Server::start(
        Router::new()
            .route("/headers", any(everything))
            .route("/away/{status}/{host}", any(away))
            .route("/loop", get(|| async { Redirect::to("/loop") }))
            .route("/missing", get(|| async { StatusCode::NOT_FOUND })),
    )
    .await
}

/// A client to which the server is known under two names.
fn client(layer: ObservabilityLayer<side::Client>, server: &Server) -> Client {
    layer.reqwest_with(builder(server), Policy::default()).unwrap()
}

fn builder(server: &Server) -> reqwest::ClientBuilder {
    let builder = reqwest::Client::builder().no_proxy();
    builder.resolve(INSIDE, server.address).resolve(OUTSIDE, server.address)
}

fn url(server: &Server, host: &str, path: &str) -> String {
    format!("http://{host}:{}{path}", server.address.port())
}

/// Runs the call within a request that came with context, baggage and an id.
async fn served<T: Send + 'static>(
    seen: &Instance,
    call: impl Future<Output = Result<T, reqwest::Error>> + Send + 'static,
) -> T {
    let (told, tell) = tokio::sync::oneshot::channel();
    let call = std::sync::Mutex::new(Some((call, told)));
    let handler = tower::service_fn(move |_: axum::extract::Request| {
        let (call, told) = call.lock().unwrap().take().unwrap();
        async move {
            let _ = told.send(call.await);
            Ok::<_, std::convert::Infallible>(http::Response::new(axum::body::Body::empty()))
        }
    });
    let service = tower::Layer::layer(&seen.layer(), handler);
    let request = http::Request::get("/x")
        .header("traceparent", CALLER)
        .header("baggage", "tenant=blue")
        .header("x-request-id", "order-7");
    service.oneshot(request.body(axum::body::Body::empty()).unwrap()).await.unwrap();
    tell.await.unwrap().unwrap()
}

async fn asked(seen: &Instance, client: &Client, url: String) -> String {
    let client = client.clone();
    served(seen, async move { client.get(url).send().await?.error_for_status()?.text().await }).await
}

#[tokio::test]
async fn a_send_is_one_call_with_its_context_and_reqwests_own_answer() {
    let (seen, server) = (Instance::new(), echo().await);
    let client = client(seen.client_layer(), &server);
    let to = url(&server, INSIDE, "/headers?token=s3cret");
    let call = {
        let to = to.clone();
        async move {
            let response = client.post(to.clone()).json(&[1, 2]).bearer_auth("t").send().await?;
            assert_eq!((response.url().as_str(), response.content_length().is_some()), (&*to, true));
            assert!(response.remote_addr().is_some());
            response.text().await
        }
    };
    let answer = served(&seen, call).await;
    let span = client_span(&seen);
    assert!(span.is_child_of(seen.only_request().span()), "{seen}");
    for line in [
        "method: POST",
        &format!("traceparent: {}-{}-01", &CALLER[..35], span.trace.span_id),
        "x-request-id: order-7",
        "content-type: application/json",
        "authorization: Bearer t",
        "body: [1,2]",
    ] {
        assert!(answer.contains(&format!("{line}\n")), "{line}:\n{answer}");
    }
    assert!(!answer.contains("baggage"), "{answer}");
    assert_eq!(span.attribute("url.full"), &to.replace("s3cret", "REDACTED"));
    assert_eq!(span.attribute("server.address"), INSIDE);
    assert_eq!(span.attribute("observability.outcome"), "ok");
}

#[tokio::test]
async fn a_redirect_is_part_of_its_call_and_reqwest_follows_it_as_ever() {
    let (seen, server) = (Instance::new(), echo().await);
    let client = client(seen.client_layer(), &server);
    let answer = asked(&seen, &client, url(&server, INSIDE, &format!("/away/302/{OUTSIDE}"))).await;
    assert!(answer.contains("traceparent") && answer.contains("referer"), "{answer}");
    let span = client_span(&seen);
    assert_eq!(span.attribute("url.full"), &url(&server, INSIDE, &format!("/away/302/{OUTSIDE}")));
    assert_eq!(span.attribute("http.response.status_code").to_string(), "200");
}

#[tokio::test]
async fn baggage_does_not_follow_a_redirect_to_a_host_that_is_not_listed() {
    let (seen, server) = (Instance::new(), echo().await);
    let client = client(seen.client_layer().baggage_to([".internal"]), &server);
    for (host, carried) in [(INSIDE, true), (OUTSIDE, false)] {
        let away = url(&server, INSIDE, &format!("/away/307/{host}"));
        let answer = asked(&seen, &client, away).await;
        assert_eq!(answer.contains("baggage: tenant=blue"), carried, "{host}:\n{answer}");
        assert!(answer.contains("traceparent") && answer.contains("x-request-id: order-7"), "{answer}");
    }
    assert_eq!(seen.spans().len(), 4, "one for each request and one for its call");
}

#[tokio::test]
async fn nothing_of_ours_follows_a_redirect_to_a_host_that_is_denied_and_no_secret_either() {
    let (seen, server) = (Instance::new(), echo().await);
    let headers = HeaderMap::from_iter([(http::header::AUTHORIZATION, "Bearer t".parse().unwrap())]);
    let builder = reqwest::Client::builder().no_proxy().default_headers(headers);
    let builder = builder.resolve(INSIDE, server.address).resolve(OUTSIDE, server.address);
    let layer = seen.client_layer().no_context_to([OUTSIDE]).baggage_to([INSIDE]);
    let client = layer.reqwest_with(builder, Policy::default()).unwrap();
    let answer = asked(&seen, &client, url(&server, INSIDE, &format!("/away/302/{OUTSIDE}"))).await;
    for name in ["traceparent", "baggage", "x-request-id", "authorization"] {
        assert!(!answer.contains(name), "{name}:\n{answer}");
    }
    let answer = asked(&seen, &client, url(&server, INSIDE, "/headers")).await;
    for name in ["traceparent", "baggage", "x-request-id", "authorization"] {
        assert!(answer.contains(name), "{name}:\n{answer}");
    }
}

#[tokio::test]
async fn what_may_have_had_its_effect_is_not_sent_twice() {
    let (seen, server) = (Instance::new(), echo().await);
    let client = client(seen.client_layer().no_context_to([OUTSIDE]), &server);
    let to = url(&server, INSIDE, &format!("/away/303/{OUTSIDE}"));
    let response = client.post(to).body("once").send().await.unwrap();
    assert_eq!(response.status(), 303);
    let to = url(&server, INSIDE, &format!("/away/303/{INSIDE}"));
    assert_eq!(client.post(to).body("once").send().await.unwrap().status(), 200, "to a host that may see it");
}

#[tokio::test]
async fn a_redirect_policy_of_ones_own_stands_within_ours() {
    let (seen, server) = (Instance::new(), echo().await);
    let builder = reqwest::Client::builder().no_proxy().resolve(INSIDE, server.address);
    let layer = seen.client_layer().baggage_to([INSIDE]);
    let client = layer.reqwest_with(builder, Policy::none()).unwrap();
    let to = url(&server, INSIDE, &format!("/away/302/{INSIDE}"));
    assert_eq!(client.get(to).send().await.unwrap().status(), 302);
}

#[tokio::test]
async fn what_reqwest_calls_an_error_has_a_word_and_its_text_no_query() {
    let server = echo().await;
    let never = answering(b"").await;
    let refused = format!("http://{}/?token=s3cret", free_address());
    let slow = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let late = format!("http://{}/?token=s3cret", slow.local_addr().unwrap());
    for (to, expected, outcome) in [
        (refused, "connection_refused", "server_error"),
        (late, "timeout", "timeout"),
        (format!("http://{never}/"), "connection_reset", "server_error"),
        ("http://nobody.invalid/?token=s3cret".to_owned(), "dns_error", "server_error"),
        (server.url("/loop?token=s3cret"), "redirect_error", "server_error"),
    ] {
        let seen = Instance::new();
        let unknown = knowing_nobody();
        let builder = reqwest::Client::builder().no_proxy().dns_resolver(unknown);
        let client = seen.client_layer().reqwest(builder).unwrap();
        let error = client.get(&to).timeout(Duration::from_millis(300)).send().await.unwrap_err();
        assert!(error.url().is_some(), "it passes through untouched: {error}");
        assert_eq!(word(&seen), (expected.into(), outcome.into()), "{error:?}");
        assert!(!format!("{:?} {:?}", seen.lines(), seen.spans()).contains("s3cret"), "{seen}");
    }
}

/// Knows nobody, as a resolver without a network.
fn knowing_nobody() -> std::sync::Arc<impl reqwest::dns::Resolve> {
    struct Nobody;
    impl reqwest::dns::Resolve for Nobody {
        fn resolve(&self, _: reqwest::dns::Name) -> reqwest::dns::Resolving {
            Box::pin(async { Err("no such name".into()) })
        }
    }
    std::sync::Arc::new(Nobody)
}

#[tokio::test]
async fn the_redirect_policy_of_the_builder_is_kept() {
    let (seen, server) = (Instance::new(), echo().await);
    let policies: [fn() -> Policy; 3] =
        [Policy::none, || Policy::limited(0), || Policy::custom(|attempt| attempt.error("no redirects"))];
    for (policy, expected) in policies.into_iter().zip([Some(307), None, None]) {
        let theirs = builder(&server).redirect(policy()).build().unwrap();
        let ours = seen.client_layer().reqwest(builder(&server).redirect(policy())).unwrap();
        let listed =
            seen.client_layer().baggage_to([INSIDE]).reqwest_with(builder(&server), policy()).unwrap();
        let to = url(&server, INSIDE, &format!("/away/307/{INSIDE}"));
        let status = |response: reqwest::Response| response.status().as_u16();
        assert_eq!(theirs.get(&to).send().await.ok().map(status), expected);
        for client in [ours, Client::from(theirs), listed] {
            assert_eq!(client.get(&to).send().await.ok().map(status), expected);
        }
    }
}

#[tokio::test]
async fn with_a_list_of_hosts_the_policy_must_be_given() {
    for layer in [
        ObservabilityLayer::client().baggage_to([INSIDE]),
        ObservabilityLayer::client().no_context_to([OUTSIDE]),
    ] {
        let refused = layer.reqwest(reqwest::Client::builder()).unwrap_err();
        assert!(refused.is_policy_missing() && refused.to_string().contains("reqwest_with"), "{refused}");
    }
    let refused =
        ObservabilityLayer::client().reqwest(reqwest::Client::builder().user_agent("\n")).unwrap_err();
    assert!(!refused.is_policy_missing() && std::error::Error::source(&refused).is_some(), "{refused}");
}

#[tokio::test]
async fn the_use_line_is_all_that_changes() {
    use tower_observability::reqwest::{Client, Error, Method, StatusCode, Url, header::ACCEPT};
    async fn status(client: &Client, url: Url) -> Result<StatusCode, Error> {
        let response = client.request(Method::GET, url).header(ACCEPT, "*/*").send().await?;
        Ok(response.error_for_status()?.status())
    }
    let (seen, server) = (Instance::new(), echo().await);
    let client = client(seen.client_layer(), &server);
    assert_eq!(status(&client, server.url("/headers").parse().unwrap()).await.unwrap(), StatusCode::OK);
    let missing = status(&client, server.url("/missing").parse().unwrap()).await.unwrap_err();
    assert_eq!(missing.status(), Some(StatusCode::NOT_FOUND));
    assert_eq!(seen.spans().len(), 2, "{seen}");
}

#[tokio::test]
async fn a_request_that_cannot_be_made_is_no_call() {
    let seen = Instance::new();
    let client = seen.client_layer().reqwest(reqwest::Client::builder()).unwrap();
    assert!(client.get("no address").send().await.unwrap_err().is_builder());
    assert!(seen.spans().is_empty(), "{seen}");
}

#[tokio::test]
async fn a_body_that_fails_after_its_head_is_counted_apart_and_stays_reqwests_error() {
    let seen = Instance::new();
    let half = answering(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf").await;
    let client = seen.client_layer().reqwest(reqwest::Client::builder().no_proxy()).unwrap();
    let response = client.get(format!("http://{half}/")).send().await.unwrap();
    assert_eq!(client_span(&seen).attribute("observability.outcome"), "ok", "at the head");
    let error = response.text().await.unwrap_err();
    assert!(error.is_decode() && !error.is_timeout(), "{error:?}");
    seen.until("the body's line", || (seen.lines().len() == 1).then_some(())).await;
    assert!(seen.scrape().contains("http_client_response_body_errors_total 1"), "{}", seen.scrape());
}

#[tokio::test]
async fn bodies_stream_in_both_directions() {
    let (seen, server) = (Instance::new(), echo().await);
    let client = client(seen.client_layer().baggage_to([INSIDE]), &server);
    let frames = ["one", "two"].map(|text| Ok::<_, std::io::Error>(Frame::data(Bytes::from(text))));
    let body = reqwest::Body::wrap(StreamBody::new(stream::iter(frames)));
    let to = url(&server, INSIDE, "/headers");
    let mut response = client.put(to).body(body).send().await.unwrap();
    let mut text = Vec::new();
    while let Some(chunk) = response.chunk().await.unwrap() {
        text.extend_from_slice(&chunk);
    }
    assert!(String::from_utf8(text).unwrap().contains("body: onetwo"));
}

#[tokio::test]
async fn a_call_that_is_given_up_is_cancelled_and_one_that_is_filtered_out_is_not_seen() {
    let (seen, server) = (Instance::new(), echo().await);
    let slow = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let layer = seen.client_layer().filter(|parts| parts.uri.path() != "/missing");
    let client = client(layer, &server);
    assert_eq!(client.get(server.url("/missing")).send().await.unwrap().status(), 404);
    let call = client.get(format!("http://{}/", slow.local_addr().unwrap())).send();
    tokio::time::timeout(Duration::from_millis(20), call).await.unwrap_err();
    assert_eq!(client_span(&seen).attribute("observability.outcome"), "cancelled");
}

#[tokio::test]
async fn a_loop_around_it_counts_its_attempts() {
    let (seen, server) = (Instance::new(), echo().await);
    let client = client(seen.client_layer(), &server);
    tower_observability::attempts(async {
        for _ in 0..2 {
            client.get(server.url("/missing")).send().await.unwrap();
        }
    })
    .await;
    let spans = seen.spans();
    let count =
        |place: usize| spans[place].attributes.get("http.request.resend_count").map(ToString::to_string);
    assert_eq!([count(0), count(1)], [None, Some("1".to_owned())]);
}

#[tokio::test]
async fn what_a_layer_is_told_to_tell_holds_for_it_too() {
    let (seen, server) = (Instance::new(), echo().await);
    let layer = seen
        .client_layer()
        .redact_path("/away/{status}/{host}", ["host"])
        .show_query(["page"])
        .capture_request_headers(["x-tenant", "authorization"])
        .capture_response_headers(["location"])
        .on_request(|parts| {
            request::add("asked", parts.uri.path().len());
        })
        .on_response(|parts| {
            request::add("answered", parts.status.as_u16());
        });
    let client = layer.reqwest_with(reqwest::Client::builder().no_proxy(), Policy::none()).unwrap();
    let path = "/away/302/s3cr3t.example?page=2&key=s3cr3t";
    client.get(server.url(path)).header("x-tenant", "blue").bearer_auth("s3cr3t").send().await.unwrap();
    let span = client_span(&seen);
    let url = span.attribute("url.full").to_string();
    assert!(url.ends_with("/away/302/REDACTED?page=2&key=REDACTED"), "{url}");
    assert_eq!(span.attribute("http.request.header.x-tenant"), ["blue"]);
    assert_eq!(span.attribute("http.request.header.authorization"), ["REDACTED"]);
    assert!(span.attributes.contains_key("http.response.header.location"), "{span:?}");
    assert_eq!(span.attribute("asked"), "/away/302/s3cr3t.example".len());
    assert_eq!(span.attribute("answered"), 302);
}

#[tokio::test]
async fn a_filter_that_panics_reaches_no_send() {
    let (seen, server) = (Instance::new(), echo().await);
    let client = client(seen.client_layer().filter(|asked| asked.headers["x-tenant"] == "a"), &server);
    let answer = asked(&seen, &client, url(&server, INSIDE, "/headers")).await;
    assert!(answer.contains("method: GET\n"), "{answer}");
    assert_eq!(client_span(&seen).attribute("observability.outcome"), "ok");
}
