//! The addresses of a host: the system's resolver blocks, and knows of no deadline.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::dns::Name;
use tower::Service;

use crate::threads::Asides;

/// More questions at once than an exporter has requests under way: so many threads wait at most for a name server that does not
/// answer, which may take longer than the requests that asked.
const MOST_THREADS: usize = 16;

/// Asks the system's resolver.
#[derive(Clone, Debug, Default)]
pub(super) struct Resolver(Asides);

type Addresses = io::Result<std::vec::IntoIter<SocketAddr>>;

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = Addresses> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let found = self.0.aside(MOST_THREADS, move || (name.as_str(), 0).to_socket_addrs());
        let broken = |_| Err(io::Error::other("the resolver panicked"));
        Box::pin(async move {
            match found {
                Ok(found) => found.await.unwrap_or_else(broken),
                Err(error) => Err(io::Error::new(error.kind(), format!("no thread to resolve it: {error}"))),
            }
        })
    }
}
