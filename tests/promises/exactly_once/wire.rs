//! Ends that only the wire shows: tunnels, old versions, lengths, streams that never end.

use super::*;

#[tokio::test]
async fn a_tunnel_is_over_with_its_head() {
    let answer = |request: Request| async move {
        assert_eq!(request.method(), "CONNECT");
        tokio::spawn(async move {
            let upgraded = hyper::upgrade::on(request).await.unwrap();
            hyper_util::rt::TokioIo::new(upgraded).write_all(b"through").await.unwrap();
        });
        StatusCode::OK
    };
    let scene = Scene::of(Router::new().fallback(answer)).await;
    let answer =
        scene.raw("CONNECT db.internal:5432 HTTP/1.1\r\nhost: db.internal\r\n\r\n", usize::MAX).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("through"), "{answer}");
    scene.is_reported_as(ended("upgraded", 200)).await;
}

#[tokio::test]
async fn the_line_of_a_tunnel_says_where_it_leads_and_not_by_whose_password() {
    let answer = |request: Request| async move {
        tokio::spawn(hyper::upgrade::on(request));
        StatusCode::OK
    };
    for asked in ["db.internal:5432", "ada:secret@db.internal:5432"] {
        let scene = Scene::of(Router::new().fallback(answer)).await;
        scene.raw(&format!("CONNECT {asked} HTTP/1.1\r\nhost: db.internal\r\n\r\n"), usize::MAX).await;
        scene.is_reported_as(ended("upgraded", 200)).await;
        let line = &scene.seen.lines()[0];
        assert_eq!(line["path"], "db.internal:5432", "{line:#}");
        assert_eq!(line["message"], "CONNECT db.internal:5432 200 upgraded", "{line:#}");
        assert!(!scene.seen.spans()[0].attributes.contains_key("url.path"), "{:?}", scene.seen.spans());
    }
}

#[tokio::test]
async fn a_tunnel_that_is_refused_is_an_answer_like_any_other() {
    let scene = Scene::of(Router::new().fallback(|| async { (StatusCode::BAD_GATEWAY, "no") })).await;
    scene.raw("CONNECT a:1 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n", usize::MAX).await;
    scene.is_reported_as(ended("server_error", 502).error("502").bytes(2)).await;
}

#[tokio::test]
async fn on_http_1_0_each_request_of_a_kept_connection_is_reported() {
    let scene = Scene::of(Router::new().route("/x", get(|| async { "hello" }))).await;
    let kept = "GET /x HTTP/1.0\r\nconnection: keep-alive\r\n\r\n";
    let answer = scene.raw(&format!("{kept}{kept}GET /x HTTP/1.0\r\n\r\n"), usize::MAX).await;
    assert_eq!(answer.matches("hello").count(), 3, "{answer}");
    until("three lines", || (scene.seen.lines().len() == 3).then_some(())).await;
    for line in scene.seen.lines() {
        assert_eq!((&line["outcome"], &line["response_bytes"]), (&"ok".into(), &5.into()), "{line:#}");
    }
    assert!(scene.seen.scrape().contains("network_protocol_version=\"1.0\""));
}

#[tokio::test]
async fn a_length_that_the_handler_gives_is_kept_and_ends_the_stream() {
    let answer = || async {
        // As a file server's: hyper stops asking at the length, and this stream never says that it is over.
        let endless = stream::once(async { Ok::<_, Infallible>(Bytes::from_static(b"12345")) });
        ([(header::CONTENT_LENGTH, "5")], Body::from_stream(endless.chain(stream::pending())))
    };
    let scene = Scene::of(Router::new().route("/x", get(answer))).await;
    let answer = scene.get("/x").await;
    assert_eq!(
        (&answer.headers()[header::CONTENT_LENGTH], &answer.body()[..]),
        (&"5".parse().unwrap(), &b"12345"[..])
    );
    scene.is_reported_as(ended("ok", 200).bytes(5)).await;
}

#[tokio::test]
async fn an_endless_stream_of_events_that_its_reader_leaves_is_cancelled_once() {
    let answer = || async {
        let ticks = stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            Some((Ok::<_, Infallible>(Bytes::from_static(b"data: tick\n\n")), ()))
        });
        ([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(ticks))
    };
    let scene = Scene::of(Router::new().route("/x", get(answer))).await;
    let answer = scene.raw("GET /x HTTP/1.1\r\nhost: a\r\n\r\n", 400).await;
    assert!(answer.contains("data: tick"), "{answer}");
    scene.is_reported_as(ended("cancelled", 200).error("cancelled")).await;
    assert!(scene.seen.lines()[0]["response_bytes"].as_u64().unwrap() >= 12);
}
