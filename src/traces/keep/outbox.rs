//! What is to be said to peers, and the requests that say it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::HeaderMap;
use tokio::task::JoinSet;

use super::Keep;
use super::peers::Word;
use crate::export::{Endpoint, HttpClient};

/// So many peers are told at most; a trace has fewer, and others are told by theirs.
const MOST_PEERS: usize = 256;

/// So many words wait for one peer at most.
const MOST_WORDS: usize = 8_192;

/// So many words are in one message.
const MOST_OF_A_MESSAGE: usize = 1_000;

const MOST_ATTEMPTS: u32 = 3;
const TIMEOUT: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(500);

/// The messages to peers. A peer has one request under way at a time.
#[derive(Debug)]
pub(super) struct Outbox {
    keep: Arc<Keep>,
    peers: HashMap<Arc<str>, Peer>,
    sending: JoinSet<Sent>,
}

/// What waits for one peer.
#[derive(Debug, Default)]
struct Peer {
    words: Vec<Word>,
    client: Option<Arc<HttpClient>>,
    is_sending: bool,
    failures: u32,
    not_before: Option<Instant>,
}

/// How a request ended.
#[derive(Debug)]
struct Sent {
    peer: Arc<str>,
    words: Vec<Word>,
    is_delivered: bool,
}

impl Outbox {
    pub(super) fn new(keep: Arc<Keep>) -> Self {
        Self { keep, peers: HashMap::new(), sending: JoinSet::new() }
    }

    /// Says this to the peer with the next message. Beyond the limits it is not said.
    pub(super) fn say(&mut self, to: &Arc<str>, word: Word) {
        let is_full = self.peers.len() >= MOST_PEERS && !self.peers.contains_key(to);
        let peer = if is_full { None } else { Some(self.peers.entry(Arc::clone(to)).or_default()) };
        match peer {
            Some(peer) if peer.words.len() < MOST_WORDS => peer.words.push(word),
            _ => self.keep.counts.failed(),
        }
    }

    /// Sends what may be sent now.
    pub(super) fn send(&mut self, now: Instant) {
        let Some(rules) = &self.keep.peers else { return };
        for (address, peer) in &mut self.peers {
            let is_early = peer.not_before.is_some_and(|time| now < time);
            if peer.words.is_empty() || peer.is_sending || is_early {
                continue;
            }
            peer.client = peer.client.take().or_else(|| client(address, &rules.token));
            let Some(client) = &peer.client else {
                // What cannot be sent waits for nothing.
                peer.words.drain(..).for_each(|_| self.keep.counts.failed());
                continue;
            };
            let rest = peer.words.split_off(peer.words.len().min(MOST_OF_A_MESSAGE));
            let words = std::mem::replace(&mut peer.words, rest);
            peer.is_sending = true;
            let body = Bytes::from(rules.message(&words));
            self.keep.counts.sent(body.len());
            let (client, peer) = (Arc::clone(client), Arc::clone(address));
            self.sending.spawn(async move {
                let answer = client.post(HeaderMap::new(), body, TIMEOUT, Arc::default()).await;
                let is_delivered = answer.is_ok_and(|answer| answer.status.is_success());
                Sent { peer, words, is_delivered }
            });
        }
    }

    /// When a message may be sent again that was not taken.
    pub(super) fn next_attempt(&self) -> Option<Instant> {
        let waiting = self.peers.values().filter(|peer| !peer.words.is_empty() && !peer.is_sending);
        waiting.filter_map(|peer| peer.not_before).min()
    }

    /// Resolves when a request has ended; never while none is under way.
    pub(super) async fn next_end(&mut self) {
        match self.sending.join_next().await {
            Some(Ok(sent)) => self.ended(sent),
            // A task of ours neither panics nor is it given up.
            Some(Err(_)) => {}
            None => std::future::pending().await,
        }
    }

    fn ended(&mut self, sent: Sent) {
        let Some(peer) = self.peers.get_mut(&sent.peer) else { return };
        peer.is_sending = false;
        if sent.is_delivered {
            (peer.failures, peer.not_before) = (0, None);
        } else {
            peer.failures += 1;
            peer.not_before = Some(Instant::now() + PAUSE);
            if peer.failures < MOST_ATTEMPTS {
                peer.words.splice(0..0, sent.words);
                peer.words.truncate(MOST_WORDS);
                return;
            }
            self.keep.counts.failed();
            peer.failures = 0;
        }
        // Its connections go with it: an address that is not heard of again keeps nothing.
        if peer.words.is_empty() && self.peers.len() > MOST_PEERS / 2 {
            self.peers.remove(&sent.peer);
        }
    }

    /// Sends what waits, for this long at most.
    pub(super) async fn finish(&mut self, time: Duration) {
        self.send(Instant::now());
        let all = async {
            while !self.sending.is_empty() {
                self.next_end().await;
            }
        };
        let _ = tokio::time::timeout(time, all).await;
    }
}

fn client(address: &str, token: &str) -> Option<Arc<HttpClient>> {
    let mut endpoint = Endpoint::plain(&format!("http://{address}/keep"));
    endpoint.headers.push(("authorization".to_owned(), format!("Bearer {token}")));
    HttpClient::new(&endpoint).ok().map(Arc::new)
}
