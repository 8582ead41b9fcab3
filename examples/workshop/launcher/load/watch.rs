//! Reads the services' `/metrics` before a load, each second of it, and after it.

use std::future::Future;
use std::time::Duration;

use axum::http::Method;
use bytes::Bytes;
use futures_util::future::join_all;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::machine::{Since, Used};
use super::window::{Page, Window};
use crate::launcher::children::Workshop;
use crate::launcher::evidence;
use crate::plumbing::Calls;

const EACH: Duration = Duration::from_secs(1);
const MAY_TAKE: Duration = Duration::from_secs(2);
const MAY_REST: Duration = Duration::from_secs(15);

/// The services, and where their pages are.
#[derive(Clone)]
pub(super) struct Watch {
    calls: Calls,
    pages: Vec<(&'static str, String)>,
}

/// What was seen while something was done.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) window: Window,
    pub(super) machine: Option<Used>,
    /// How many pages could not be read.
    pub(super) unread: usize,
}

impl Watch {
    pub(super) fn of(workshop: &Workshop) -> Self {
        let pages = workshop.addresses().filter(|(_, addresses)| !addresses.admin.is_empty());
        let pages = pages.map(|(name, addresses)| (name, format!("{}/metrics", addresses.admin))).collect();
        Self { calls: Calls::unseen(), pages }
    }

    /// Reads while this is done. The pages are parsed afterwards, when nothing is measured any more.
    pub(super) async fn during<T>(&self, act: impl Future<Output = T>) -> (T, Watched) {
        let mut pages = self.read(false).await;
        let since = Since::now();
        let (end, mut ended) = watch::channel(false);
        let this = self.clone();
        let between = tokio::spawn(async move {
            let mut pages = Vec::new();
            while timeout(EACH, ended.wait_for(|ended| *ended)).await.is_err() {
                pages.extend(this.read(true).await);
            }
            pages
        });
        let done = act.await;
        let machine = since.used();
        end.send_replace(true);
        pages.extend(between.await.unwrap_or_default());
        pages.extend(self.once_done().await);
        let unread = pages.iter().filter(|page| page.is_none()).count();
        let pages: Vec<Page> = pages.into_iter().flatten().collect();
        (done, Watched { window: Window::of(&pages), machine, unread })
    }

    /// Waits until no message of a load before waits any more, so that each has its own queues; not for ever.
    pub(super) async fn rested(&self) {
        let deadline = Instant::now() + MAY_REST;
        while Instant::now() < deadline {
            let waiting: f64 =
                self.read(true).await.iter().flatten().map(|page| page.sum("queue_depth{")).sum();
            if waiting == 0.0 {
                return;
            }
            sleep(EACH / 5).await;
        }
    }

    /// The pages once no service is busy: who has his answer may be ahead of who counts it.
    async fn once_done(&self) -> Vec<Option<Page>> {
        let deadline = Instant::now() + MAY_TAKE;
        loop {
            let pages = self.read(false).await;
            let active: f64 =
                pages.iter().flatten().map(|page| page.sum("http_server_active_requests{")).sum();
            if active == 0.0 || Instant::now() > deadline {
                return pages;
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    async fn read(&self, is_between: bool) -> Vec<Option<Page>> {
        join_all(self.pages.iter().map(|(job, url)| async move {
            let text = timeout(MAY_TAKE, self.calls.text(Method::GET, url.clone(), None, Bytes::new()));
            let text = text.await.ok()?.ok()?;
            let at = evidence::now() as f64 / 1e6;
            Some(Page::new(job, at, &String::from_utf8_lossy(&text), is_between))
        }))
        .await
    }
}
