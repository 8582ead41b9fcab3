//! Redis: a cache, and streams as queues, which know themselves what was delivered and not acknowledged.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::streams::{StreamAutoClaimReply, StreamId, StreamPendingCountReply, StreamReadReply};
use redis::{Client, Cmd, FromRedisValue, RedisResult, cmd};
use tokio::sync::Mutex;
use tokio::time::sleep;
use tower_observability::{Observability, Query, QueueState};

use super::{fault, named};
use crate::plumbing::{Failure, LEASE, Message, QUEUES};

const KEPT_FOR_SECONDS: u64 = 600;
const GROUP: &str = "worker";
/// A question that waits for news; Redis' client itself gives up after half a second.
const NEWS_MS: u64 = 150;

/// A connection that is made when it is needed, and anew when it broke.
#[derive(Clone)]
struct Redis {
    client: Client,
    open: Arc<Mutex<Option<MultiplexedConnection>>>,
}

/// JSON texts by key.
pub(crate) struct RealCache {
    redis: Redis,
    name: &'static str,
}

/// The queues to send to.
#[derive(Clone)]
pub(crate) struct Streams(Redis);

/// The queues to receive from.
pub(crate) struct Reader {
    redis: Redis,
    /// Each has a connection of its own, since waiting for news holds it up.
    readers: [Redis; QUEUES.len()],
}

impl Redis {
    fn of(url: &str) -> Result<Self, Failure> {
        let client = Client::open(url).map_err(|error| fault("REDIS_URL", &error))?;
        Ok(Self { client, open: Arc::default() })
    }

    async fn ask<T: FromRedisValue>(&self, question: &Cmd) -> RedisResult<T> {
        let mut open = self.open.lock().await;
        let mut connection = match &*open {
            Some(open) => open.clone(),
            None => open.insert(self.client.get_multiplexed_async_connection().await?).clone(),
        };
        drop(open);
        let answer = question.query_async(&mut connection).await;
        if answer.is_err() {
            *self.open.lock().await = None;
        }
        answer
    }
}

impl RealCache {
    pub(crate) async fn open(name: &'static str) -> Result<Option<Self>, Failure> {
        let Some(url) = named("REDIS_URL") else { return Ok(None) };
        let redis = Redis::of(&url)?;
        let keys = cmd("KEYS").arg(format!("workshop:{name}:*")).to_owned();
        let keys: Vec<String> = redis.ask(&keys).await.map_err(|error| fault("Redis", &error))?;
        for key in keys {
            let _: u64 = redis.ask(cmd("DEL").arg(key)).await.map_err(|error| fault("Redis", &error))?;
        }
        Ok(Some(Self { redis, name }))
    }

    /// Nobody waits longer for a cache than for what it spares him.
    pub(crate) async fn get(&self, key: &str) -> Option<String> {
        let get = cmd("GET").arg(self.key(key)).to_owned();
        Query::new("redis", "GET").try_run(self.redis.ask::<Option<String>>(&get)).await.ok()?
    }

    pub(crate) async fn put(&self, key: &str, text: &str) {
        let set = cmd("SET").arg(self.key(key)).arg(text).arg("EX").arg(KEPT_FOR_SECONDS).to_owned();
        // Its span and line say if it failed; the value is there all the same.
        let _ = Query::new("redis", "SET").try_run(self.redis.ask::<()>(&set)).await;
    }

    fn key(&self, key: &str) -> String {
        format!("workshop:{}:{key}", self.name)
    }
}

fn stream(queue: &str) -> String {
    format!("workshop:queue:{queue}")
}

impl Streams {
    pub(crate) fn of(url: &str) -> Result<Self, Failure> {
        Redis::of(url).map(Self)
    }

    pub(crate) async fn send(&self, queue: &str, message: &Message) -> Result<(), Failure> {
        let mut add = cmd("XADD");
        add.arg(stream(queue)).arg("*").arg("message-id").arg(&message.id);
        add.arg("body").arg(message.body.to_string());
        for (key, value) in &message.headers {
            add.arg(key).arg(value);
        }
        let added: RedisResult<String> = self.0.ask(&add).await;
        added.map(drop).map_err(|error| fault("Redis", &error))
    }
}

impl Reader {
    pub(crate) async fn open(streams: Streams, observability: &Observability) -> Result<Self, Failure> {
        let redis = streams.0;
        for queue in QUEUES {
            let _: u64 =
                redis.ask(cmd("DEL").arg(stream(queue))).await.map_err(|error| fault("Redis", &error))?;
            let group =
                cmd("XGROUP").arg("CREATE").arg(stream(queue)).arg(GROUP).arg("$").arg("MKSTREAM").to_owned();
            let _: String = redis.ask(&group).await.map_err(|error| fault("Redis", &error))?;
            let watched = redis.clone();
            observability.queue(queue, move || {
                let redis = watched.clone();
                async move {
                    let depth = redis.ask(cmd("XLEN").arg(stream(queue))).await.ok()?;
                    Some(QueueState { depth: Some(depth), ..QueueState::default() })
                }
            });
        }
        let reader = || Redis { client: redis.client.clone(), open: Arc::default() };
        Ok(Self { readers: QUEUES.map(|_| reader()), redis })
    }

    pub(crate) async fn receive(&self, queue: &str) -> Message {
        let reader = &self.readers[QUEUES.iter().position(|known| *known == queue).unwrap_or_default()];
        loop {
            match next(reader, queue).await {
                Ok(Some(message)) => return message,
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(error = %error, queue, "Redis has no message");
                    sleep(Duration::from_millis(NEWS_MS)).await;
                }
            }
        }
    }

    pub(crate) async fn acknowledge(&self, queue: &str, message: &Message) {
        for word in ["XACK", "XDEL"] {
            let mut done = cmd(word);
            done.arg(stream(queue));
            if word == "XACK" {
                done.arg(GROUP);
            }
            // What gets lost comes again.
            let _: RedisResult<u64> = self.redis.ask(done.arg(&message.receipt)).await;
        }
    }
}

/// What was delivered and not acknowledged within its lease, else what is new.
async fn next(reader: &Redis, queue: &str) -> RedisResult<Option<Message>> {
    let lease = u64::try_from(LEASE.as_millis()).unwrap_or(u64::MAX);
    let claim = cmd("XAUTOCLAIM")
        .arg(stream(queue))
        .arg(GROUP)
        .arg(GROUP)
        .arg(lease)
        .arg("0")
        .arg("COUNT")
        .arg(1)
        .to_owned();
    let overdue: StreamAutoClaimReply = reader.ask(&claim).await?;
    if let Some(entry) = overdue.claimed.into_iter().next() {
        let pending =
            cmd("XPENDING").arg(stream(queue)).arg(GROUP).arg(&entry.id).arg(&entry.id).arg(1).to_owned();
        let pending: StreamPendingCountReply = reader.ask(&pending).await?;
        let delivery = pending.ids.first().map_or(2, |pending| pending.times_delivered);
        return Ok(Some(message(&entry, u32::try_from(delivery).unwrap_or(u32::MAX))));
    }
    let mut read = cmd("XREADGROUP");
    read.arg("GROUP").arg(GROUP).arg(GROUP).arg("COUNT").arg(1).arg("BLOCK").arg(NEWS_MS);
    let news: Option<StreamReadReply> = reader.ask(read.arg("STREAMS").arg(stream(queue)).arg(">")).await?;
    let entry = news.and_then(|news| news.keys.into_iter().next()?.ids.into_iter().next());
    Ok(entry.map(|entry| message(&entry, 1)))
}

fn message(entry: &StreamId, delivery: u32) -> Message {
    let text = |key: &str| entry.get::<String>(key).unwrap_or_default();
    let others = entry.map.keys().filter(|key| !["message-id", "body"].contains(&&***key));
    Message {
        id: text("message-id"),
        headers: others.map(|key| (key.clone(), text(key))).collect(),
        body: serde_json::from_str(&text("body")).unwrap_or_default(),
        delivery,
        // Its id begins with the milliseconds at which it was added.
        sent_ms: entry.id.split('-').next().and_then(|sent| sent.parse().ok()),
        receipt: entry.id.clone(),
    }
}
