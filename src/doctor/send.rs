//! What was handed to an exporter, followed until the receiver has answered.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use tokio::sync::mpsc::{Receiver, channel};
use tokio::time::timeout;

use super::finding::Finding;
use crate::error::masked_urls;
use crate::export::{Notice, Tell, first_of};

/// The notices of one exporter.
pub(super) struct Notices {
    receiver: Receiver<Notice>,
    seen: Vec<Notice>,
}

/// More notices than one delivery gives rise to.
const MOST: usize = 16;

impl Notices {
    /// What an exporter gives its notices to, and where they arrive.
    pub(super) fn new() -> (Tell, Self) {
        let (sender, receiver) = channel(MOST);
        // One that finds no room is one too many.
        let tell: Tell = Box::new(move |notice| drop(sender.try_send(notice)));
        (tell, Self { receiver, seen: Vec::new() })
    }

    /// What became of what was handed in: until all is accounted for, or the first complaint.
    pub(super) async fn told(
        mut self,
        about: &'static str,
        (step, sent): (&'static str, &str),
        flushed: impl Future<Output = ()>,
        patience: Duration,
    ) -> Finding {
        let accounted = timeout(patience, self.until_settled(flushed)).await.is_ok();
        while let Ok(notice) = self.receiver.try_recv() {
            self.seen.push(notice);
        }
        let step = |answer: &str| Finding::step(about, step, answer);
        let bad = self.seen.iter().find(|notice| notice.is_bad());
        match bad {
            Some(remark) if remark.is_remark() => step(sent).warns(masked_urls(&remark.to_string())),
            Some(bad) => step("not delivered").fails(with_remedy(masked_urls(&bad.to_string()).into_owned())),
            None if !accounted => step("not delivered").fails(format!("no answer within {patience:?}")),
            None => step(sent),
        }
    }

    async fn until_settled(&mut self, flushed: impl Future<Output = ()>) {
        let mut flushed = pin!(flushed);
        loop {
            let settled = async {
                flushed.as_mut().await;
                None
            };
            let notice = async {
                match self.receiver.recv().await {
                    Some(notice) => Some(notice),
                    None => std::future::pending().await,
                }
            };
            let Some(notice) = first_of(settled, notice).await else { return };
            let is_bad = notice.is_bad() && !notice.is_remark();
            self.seen.push(notice);
            if is_bad {
                return;
            }
        }
    }
}

/// Adds what to do about an answer that says nothing of it.
fn with_remedy(said: String) -> String {
    let remedies = [
        (
            " 404 Not Found",
            "; nothing is served at this path: OTLP's are /v1/traces, /v1/logs and /v1/metrics, of a Collector those of \
             its pipelines, Loki's is /otlp/v1/logs, Zipkin's /api/v2/spans",
        ),
        (" UNIMPLEMENTED", "; a Collector serves the signals that have a pipeline only"),
        (" 405 Method", "; what answers there does not take exports at this path"),
    ];
    match remedies.into_iter().find(|(answer, _)| said.contains(answer)) {
        Some((_, remedy)) => said + remedy,
        None => said,
    }
}
