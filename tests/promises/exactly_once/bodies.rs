//! Ends without a server: what a service, a layer or a test may do with a future and a body in its hands.

use std::cell::RefCell;
use std::pin::Pin;
use std::task::{Context, Poll};

use http_body::{Body as _, SizeHint};
use http_body_util::Full;
use tower::{Layer, Service};
use tower_observability::{ObservabilityLayer, ResponseBody};

use super::*;

fn asked() -> Request {
    Request::get("/x").body(Body::empty()).unwrap()
}

async fn hello(_: Request) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::new(Bytes::from_static(b"hello"))))
}

async fn answered(seen: &Instance) -> Response<ResponseBody<Full<Bytes>>> {
    seen.layer().layer(tower::service_fn(hello)).oneshot(asked()).await.unwrap()
}

/// The outcomes of all requests, in order; none is in flight.
fn outcomes(seen: &Instance) -> Vec<String> {
    let page = seen.scrape();
    let in_flight: Vec<_> =
        page.lines().filter(|line| line.starts_with("http_server_active_requests{")).collect();
    assert!(in_flight.iter().all(|line| line.ends_with(" 0")), "{in_flight:?}");
    seen.lines().iter().filter_map(|line| Some(line.get("outcome")?.as_str()?.to_owned())).collect()
}

#[tokio::test]
async fn a_body_that_is_dropped_unread_is_cancelled() {
    let seen = Instance::new();
    drop(answered(&seen).await);
    assert_eq!(outcomes(&seen), ["cancelled"]);
}

/// The outcome and the bytes of a response with this length in its head and these pieces in its body, which then ends or
/// does not.
async fn promised(version: http::Version, length: u64, pieces: &[&'static str], ends: bool) -> (String, u64) {
    let seen = Instance::new();
    let pieces: Vec<_> =
        pieces.iter().map(|piece| Ok::<_, Infallible>(Bytes::from_static(piece.as_bytes()))).collect();
    let says = tower::service_fn(move |_: Request| {
        let end = if ends { stream::empty().left_stream() } else { stream::pending().right_stream() };
        let body = Body::from_stream(stream::iter(pieces.clone()).chain(end));
        let head = Response::builder().header(header::CONTENT_LENGTH, length);
        async move { Ok::<_, Infallible>(head.body(body).unwrap()) }
    });
    let mut request = asked();
    *request.version_mut() = version;
    let response = seen.layer().layer(says).oneshot(request).await.unwrap();
    let _ = tokio::time::timeout(Duration::from_millis(20), response.into_body().collect()).await;
    let line = seen.only_request().closing_line().clone();
    (line["outcome"].as_str().unwrap().to_owned(), line["response_bytes"].as_u64().unwrap())
}

#[tokio::test]
async fn a_body_of_another_length_than_promised_is_a_body_error() {
    use http::Version;
    for (version, length, pieces, ends, expected) in [
        (Version::HTTP_11, 10, &["12345"][..], true, ("body_error", 5)),
        (Version::HTTP_11, 10, &[][..], true, ("body_error", 0)),
        (Version::HTTP_11, 10, &["12345"][..], false, ("cancelled", 5)),
        (Version::HTTP_11, 10, &["12345", "67890"][..], true, ("ok", 10)),
        // hyper reads no further, and sends no more.
        (Version::HTTP_11, 10, &["12345", "67890"][..], false, ("ok", 10)),
        (Version::HTTP_11, 10, &["12345", "67890 and more"][..], true, ("ok", 10)),
        // Over HTTP/2 a stream has an end of its own, for which the caller waits.
        (Version::HTTP_2, 10, &["12345", "67890"][..], true, ("ok", 10)),
        (Version::HTTP_2, 10, &["12345", "67890"][..], false, ("cancelled", 10)),
        (Version::HTTP_2, 10, &["12345"][..], true, ("body_error", 5)),
        (Version::HTTP_2, 10, &["12345", "67890 and more"][..], true, ("body_error", 19)),
    ] {
        let (outcome, bytes) = promised(version, length, pieces, ends).await;
        assert_eq!((&*outcome, bytes), expected, "{version:?} {pieces:?} {ends}");
    }
}

/// What becomes of an answer without content, whose body has these pieces all the same: hyper drops it over HTTP/1, and sends
/// it over HTTP/2.
async fn without_content(
    version: http::Version,
    (method, status): (&str, u16),
    pieces: &'static [Result<&'static str, &'static str>],
    is_read: bool,
) -> (String, u64) {
    let seen = Instance::new();
    let says = tower::service_fn(move |_: Request| async move {
        let pieces = pieces.iter().map(|piece| match piece {
            Ok(text) => Ok(Frame::data(Bytes::from(*text))),
            Err(why) => Err(std::io::Error::other(*why)),
        });
        let head = Response::builder().status(status).header(header::CONTENT_LENGTH, 7);
        Ok::<_, Infallible>(head.body(StreamBody::new(stream::iter(pieces))).unwrap())
    });
    let mut request = asked();
    *request.version_mut() = version;
    *request.method_mut() = method.parse().unwrap();
    let response = seen.layer().layer(says).oneshot(request).await.unwrap();
    let mut body = response.into_body();
    while is_read && let Some(Ok(_)) = body.frame().await {}
    drop(body);
    let line = seen.only_request().closing_line().clone();
    (line["outcome"].as_str().unwrap().to_owned(), line["response_bytes"].as_u64().unwrap())
}

#[tokio::test]
async fn what_an_answer_without_content_sends_over_http_2_is_told_and_so_is_its_failure() {
    use http::Version;
    for answer in [("HEAD", 200), ("GET", 204), ("GET", 304)] {
        for (version, pieces, is_read, expected) in [
            (Version::HTTP_11, &[Ok("12345")][..], false, ("ok", 0)),
            (Version::HTTP_11, &[][..], false, ("ok", 0)),
            (Version::HTTP_2, &[][..], true, ("ok", 0)),
            (Version::HTTP_2, &[Ok("12345")][..], true, ("ok", 5)),
            (Version::HTTP_2, &[Ok("12345"), Err("broken")][..], true, ("body_error", 5)),
            // The caller has all that he may expect.
            (Version::HTTP_2, &[Ok("12345")][..], false, ("ok", 0)),
        ] {
            let (outcome, bytes) = without_content(version, answer, pieces, is_read).await;
            assert_eq!((&*outcome, bytes), expected, "{answer:?} {version:?} {pieces:?} {is_read}");
        }
    }
}

#[tokio::test]
async fn a_final_status_of_the_hundreds_is_the_500_that_the_caller_gets_whatever_its_body() {
    for pieces in [&[][..], &[Ok("12345")][..]] {
        let told = without_content(http::Version::HTTP_11, ("GET", 103), pieces, false).await;
        assert_eq!(told, ("server_error".to_owned(), 0), "{pieces:?}");
    }
}

#[tokio::test]
async fn the_length_in_the_head_is_what_was_promised_also_where_the_body_knows_another() {
    use http::Version;
    for (version, length, body, expected) in [
        (Version::HTTP_11, 10, "12345", ("body_error", 5)),
        (Version::HTTP_2, 10, "12345", ("body_error", 5)),
        // hyper says 0 over HTTP/1, and what was said over HTTP/2.
        (Version::HTTP_11, 10, "", ("ok", 0)),
        (Version::HTTP_2, 10, "", ("body_error", 0)),
        (Version::HTTP_11, 5, "12345", ("ok", 5)),
        (Version::HTTP_2, 5, "12345", ("ok", 5)),
    ] {
        let seen = Instance::new();
        let says = tower::service_fn(move |_: Request| async move {
            let head = Response::builder().header(header::CONTENT_LENGTH, length);
            Ok::<_, Infallible>(head.body(Full::new(Bytes::from(body))).unwrap())
        });
        let mut request = asked();
        *request.version_mut() = version;
        let response = seen.layer().layer(says).oneshot(request).await.unwrap();
        let _ = response.into_body().collect().await;
        let line = seen.only_request().closing_line().clone();
        let outcome = (line["outcome"].as_str().unwrap(), line["response_bytes"].as_u64().unwrap());
        assert_eq!(outcome, expected, "{version:?} {length} {body:?}");
    }
}

#[tokio::test]
async fn a_body_may_be_finished_by_another_thread() {
    let seen = Instance::new();
    let response = answered(&seen).await;
    let read = || futures_util::FutureExt::now_or_never(response.into_body().collect());
    let body = std::thread::scope(|scope| scope.spawn(read).join().unwrap());
    assert_eq!(body.unwrap().unwrap().to_bytes(), "hello");
    assert_eq!(outcomes(&seen), ["ok"]);
}

#[tokio::test]
async fn a_body_may_be_finished_by_another_task() {
    let seen = Instance::new();
    let response = answered(&seen).await;
    tokio::spawn(response.into_body().collect()).await.unwrap().unwrap();
    assert_eq!(outcomes(&seen), ["ok"]);
}

#[tokio::test]
async fn asking_again_after_the_end_reports_nothing_again() {
    /// Answers whenever it is asked.
    struct Willing;
    impl Future for Willing {
        type Output = Result<Response<Full<Bytes>>, Infallible>;
        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
            Poll::Ready(Ok(Response::new(Full::new(Bytes::from_static(b"hello")))))
        }
    }
    let seen = Instance::new();
    let mut service = seen.layer().layer(tower::service_fn(|_: Request| Willing));
    let mut cx = Context::from_waker(std::task::Waker::noop());
    let mut future = service.call(asked());
    for _ in 0..3 {
        let Poll::Ready(Ok(response)) = Pin::new(&mut future).poll(&mut cx) else { panic!("it is ready") };
        let mut body = response.into_body();
        while let Poll::Ready(Some(_)) = Pin::new(&mut body).poll_frame(&mut cx) {}
        assert!(matches!(Pin::new(&mut body).poll_frame(&mut cx), Poll::Ready(None)));
    }
    assert_eq!(outcomes(&seen), ["ok"]);
}

#[test]
fn a_request_that_ends_with_its_thread_is_reported() {
    thread_local! {
        static HELD: RefCell<Vec<Box<dyn std::any::Any>>> = const { RefCell::new(Vec::new()) };
    }
    let seen = Instance::new();
    let layer = seen.layer();
    // Not a scope's thread: a scope does not wait for what a thread still holds.
    let thread = std::thread::spawn(move || {
        // First of this thread's, and so the last that is dropped: after everything that we keep by thread.
        HELD.with(|held| held.borrow_mut().reserve(2));
        let mut service = layer.layer(tower::service_fn(hello));
        let mut finished = Box::pin(service.call(asked()));
        let mut cx = Context::from_waker(std::task::Waker::noop());
        let Poll::Ready(Ok(response)) = finished.as_mut().poll(&mut cx) else { panic!("it is ready") };
        HELD.with(|held| held.borrow_mut().push(Box::new(response)));
        HELD.with(|held| held.borrow_mut().push(Box::new(service.call(asked()))));
    });
    thread.join().unwrap();
    assert_eq!(outcomes(&seen), ["cancelled", "cancelled"]);
}

#[test]
fn a_service_that_panics_before_it_has_a_future_is_a_panic() {
    let seen = Instance::new();
    let service = tower::service_fn(|request: Request| {
        assert_ne!(request.uri().path(), "/x", "the service's own");
        hello(request)
    });
    let mut service = seen.layer().layer(service);
    let panicking = std::panic::AssertUnwindSafe(|| drop(service.call(asked())));
    assert!(std::panic::catch_unwind(panicking).is_err());
    assert_eq!(outcomes(&seen), ["panic"]);
    assert!(request::trace().is_none(), "nothing of it stays current");
}

#[test]
fn a_panic_while_getting_ready_belongs_to_no_request() {
    struct Broken;
    impl Service<Request> for Broken {
        type Response = Response<Full<Bytes>>;
        type Error = Infallible;
        type Future = std::future::Pending<Result<Self::Response, Infallible>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            panic!("the service's own")
        }

        fn call(&mut self, _: Request) -> Self::Future {
            std::future::pending()
        }
    }
    let seen = Instance::new();
    let mut service = seen.layer().layer(Broken);
    let mut cx = Context::from_waker(std::task::Waker::noop());
    let panicking = std::panic::AssertUnwindSafe(|| service.poll_ready(&mut cx).is_ready());
    assert!(std::panic::catch_unwind(panicking).is_err());
    assert!(seen.lines().is_empty() && seen.spans().is_empty());
}

/// A body that panics when it is asked for a frame.
#[derive(Default)]
struct Bomb;

impl http_body::Body for Bomb {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        panic!("the body's own")
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(7)
    }
}

#[tokio::test]
async fn a_body_that_panics_after_a_layer_that_catches_let_it_pass_is_a_panic() {
    let seen = Instance::new();
    let bomb = tower::service_fn(|_: Request| async { Ok::<_, Infallible>(Response::new(Bomb)) });
    let service = ServiceBuilder::new().layer(CatchPanicLayer::new()).layer(seen.layer()).service(bomb);
    let body = service.oneshot(asked()).await.unwrap().into_body();
    let read = tokio::spawn(async move { body.collect().await.is_ok() });
    assert!(read.await.unwrap_err().is_panic());
    assert_eq!(outcomes(&seen), ["panic"]);
}

#[test]
fn a_body_made_from_nothing_is_the_inner_ones_and_belongs_to_nobody() {
    let body = ResponseBody::<Bomb>::default();
    assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(7), false));
    assert!(ResponseBody::<Full<Bytes>>::default().is_end_stream());
}

#[test]
fn requests_that_take_turns_on_a_thread_never_mix() {
    async fn own(request: Request) -> Result<Response<Full<Bytes>>, Infallible> {
        let mine = request.uri().path().to_owned();
        let id = request::id();
        for _ in 0..3 {
            request::add("mine", mine.clone());
            tracing::info!(mine, "a step");
            futures_util::pending!();
            assert_eq!(request::id(), id);
        }
        Ok(Response::new(Full::default()))
    }
    let seen = Instance::new();
    let _subscriber = seen.subscribe();
    let mut service = seen.layer().layer(tower::service_fn(own));
    let mut cx = Context::from_waker(std::task::Waker::noop());
    let ask = |path: &str| Request::get(path).body(Body::empty()).unwrap();
    let mut turns: Vec<_> = (0..3).map(|n| Box::pin(service.call(ask(&format!("/{n}"))))).collect();
    for round in 0..4 {
        for (n, turn) in turns.iter_mut().enumerate().rev() {
            let ready = turn.as_mut().poll(&mut cx).is_ready();
            assert!(ready == (round == 3) && request::id().is_none(), "{n} in round {round}");
        }
    }
    let lines = seen.lines();
    assert_eq!(lines.len(), 3 * 4);
    assert!(
        lines.iter().all(|line| line["mine"] == line["path"] && line.get("trace_id").is_some()),
        "{lines:#?}"
    );
    let traces: std::collections::HashSet<_> =
        lines.iter().map(|line| line["trace_id"].to_string()).collect();
    assert_eq!(traces.len(), 3);
}

#[test]
fn before_init_futures_and_bodies_are_the_inner_ones() {
    let mut service = ObservabilityLayer::new().layer(tower::service_fn(hello));
    let response = futures_util::FutureExt::now_or_never(service.call(asked())).unwrap().unwrap();
    assert_eq!(response.body().size_hint().exact(), Some(5));
}
