//! The routes for the user's own router: read-only.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::routing::any_service;

use super::{AdminState, Origin, respond};

/// Adds `/metrics`, `/live`, `/ready`, `/log-level` and `/switches` to a router, of whatever state.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>(state: Arc<AdminState>, to: Router<S>) -> Router<S> {
    let answer = tower::service_fn(move |request: Request| {
        let state = Arc::clone(&state);
        async move { Ok::<_, Infallible>(respond(&state, request, Origin::Mounted).await) }
    });
    ["/metrics", "/live", "/ready", "/log-level", "/switches"]
        .into_iter()
        .fold(to, |router, path| router.route(path, any_service(answer.clone())))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http_body_util::{BodyExt as _, Empty};
    use hyper::client::conn::http2;
    use hyper_util::rt::{TokioExecutor, TokioIo};
    use metrics::{gauge, with_local_recorder};
    use tokio::net::{TcpListener, TcpStream};
    use tower::ServiceExt as _;

    use super::*;
    use crate::admin::state::tests::state;

    #[tokio::test]
    async fn mounted_routes_read_and_do_not_change() {
        let router: Router<()> = routes(Arc::new(state()), Router::new());
        let ask = |method, path: &str| {
            let request = Request::builder().method(method).uri(path).body(Body::from("debug"));
            router.clone().oneshot(request.expect("valid"))
        };
        for path in ["/metrics", "/live", "/ready", "/log-level", "/switches"] {
            assert_eq!(ask("GET", path).await.expect("infallible").status(), 200, "{path}");
        }
        for path in ["/log-level", "/switches"] {
            assert_eq!(ask("PUT", path).await.expect("infallible").status(), 405, "{path}");
            assert_eq!(ask("DELETE", path).await.expect("infallible").status(), 405, "{path}");
        }
    }

    #[tokio::test]
    async fn a_page_of_many_pieces_is_whole_over_http_2() {
        const SERIES: usize = 2_000;
        let state = state();
        with_local_recorder(state.recorder.expect("metrics"), || {
            let long = "x".repeat(500);
            (0..SERIES).for_each(|n| gauge!("level", "a" => long.clone(), "n" => n.to_string()).set(1.0));
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let serving =
            tokio::spawn(axum::serve(listener, routes::<()>(Arc::new(state), Router::new())).into_future());
        let stream = TokioIo::new(TcpStream::connect(address).await.expect("listening"));
        let (mut client, connection) = http2::handshake(TokioExecutor::new(), stream).await.expect("http/2");
        let connection = tokio::spawn(connection);
        let request = Request::get(format!("http://{address}/metrics")).body(Empty::<bytes::Bytes>::new());
        let answer = client.send_request(request.expect("valid")).await.expect("answered");
        let page = answer.into_body().collect().await.expect("whole").to_bytes();
        let page = String::from_utf8(page.into()).expect("text");
        assert_eq!(page.matches("\nlevel{").count(), SERIES);
        assert!(page.ends_with('\n'));
        serving.abort();
        connection.abort();
    }
}
