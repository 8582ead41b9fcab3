//! What the compiler promises of our types, and what they show of themselves.

use std::cell::Cell;
use std::marker::PhantomData;
use std::rc::Rc;

use tower_observability::propagation::Remote;
use tower_observability::{
    InRequest, Observed, ResponseBody, ResponseFuture, Routed, Work, in_request, propagation, work,
};

use super::*;

fn is_send_sync<T: Send + Sync>() {}
fn is_unpin<T: Unpin>() {}

#[test]
fn what_the_inner_types_are_ours_are() {
    is_send_sync::<(Observed<u8>, ResponseFuture<u8>, ResponseBody<u8>, InRequest<u8>, Routed<u8>)>();
    is_unpin::<(Observed<u8>, ResponseFuture<u8>, ResponseBody<u8>, InRequest<u8>, Routed<u8>)>();
    is_send_sync::<(ObservabilityLayer, RouteLayer, Work, work::Running, Instance, Span)>();
    // Nothing is asked of a type before it is used.
    let _ = (PhantomData::<ResponseFuture<Rc<u8>>>, PhantomData::<ResponseBody<Rc<u8>>>);
}

/// An error that is neither `Send` nor `Sync` nor an `Error`.
struct Odd(Rc<Cell<u8>>);

#[tokio::test]
async fn any_error_and_any_body_pass_through() {
    let seen = Instance::new();
    let odd = Rc::new(Cell::new(7));
    let kept = Rc::clone(&odd);
    let service = tower::service_fn(move |_: http::Request<Rc<u8>>| {
        let kept = Rc::clone(&kept);
        async move { Err::<Response<Full<Bytes>>, _>(Odd(kept)) }
    });
    let request = http::Request::get("/x").body(Rc::new(1)).unwrap();
    let Err(error) = seen.layer().layer(service).oneshot(request).await else { panic!("it errs") };
    assert!(Rc::ptr_eq(&error.0, &odd));
    assert_eq!(seen.lines()[0]["outcome"], "server_error");
}

const SECRET: &str = "s3cret";

#[tokio::test]
async fn nothing_that_a_request_carries_is_in_a_debug_line() {
    let seen = Instance::new();
    let request = || {
        let request = asked("/x?key=s3cret").header("authorization", SECRET).header("baggage", "key=s3cret");
        request.body(Body::empty()).unwrap()
    };
    let waits = |_: Request| {
        assert!(request::add("token", SECRET));
        std::future::pending::<Result<Response<Full<Bytes>>, Infallible>>()
    };
    let answers = |_: Request| {
        assert!(request::add("token", SECRET));
        std::future::ready(Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"hello")))))
    };
    let waiting = seen.layer().layer(tower::service_fn(waits)).call(request());
    let response = seen.layer().layer(tower::service_fn(answers)).call(request()).await.unwrap();
    let shown = format!("{:?}{waiting:?}{response:?}{seen:?}", seen.client_layer().baggage_to(["a"]));
    // Bytes in a list are as good as a text.
    let as_bytes = format!("{:?}", SECRET.as_bytes());
    assert!(!shown.contains(SECRET) && !shown.contains(as_bytes.trim_matches(['[', ']'])), "{shown}");
}

#[tokio::test]
async fn nor_in_that_of_a_future_a_task_or_a_message() {
    let carrier = std::collections::HashMap::from([("baggage".to_owned(), "key=s3cret".to_owned())]);
    let remote: Remote = propagation::extract(&carrier);
    assert_eq!(remote.baggage.get("key"), Some(SECRET));
    let seen = Instance::new();
    let work = seen.adopt(Work::consumer("process").parent(remote.clone()));
    let mut shown = format!("{remote:?}{work:?}");
    let mut running = work.begin();
    running.within(|| {
        request::add("token", SECRET);
        shown += &format!("{:?}", in_request(std::future::ready(())));
    });
    shown += &format!("{running:?}");
    running.finish(Outcome::Ok);
    assert!(!shown.contains(SECRET), "{shown}");
}
