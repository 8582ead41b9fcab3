//! A service that asks one dependency for each request, and answers whatever becomes of that.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::post;
use chrono::Utc;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use rskafka::client::ClientBuilder;
use rskafka::client::partition::{Compression, PartitionClient, UnknownTopicHandling};
use rskafka::record::Record;
use sqlx::postgres::PgPoolOptions;
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::time::timeout;
use tower_observability::{Observability, ObservabilityLayer, Query, QueueState, Work, acquire, request};

/// For how long a request waits for its dependency.
const PATIENCE: Duration = Duration::from_millis(600);

type Failure = Box<dyn std::error::Error + Send + Sync>;
type Asked = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>>;
type Ask = Arc<dyn Fn() -> Asked + Send + Sync>;

/// `DEPENDENCY` at the port of `AT`.
pub(super) fn serve() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let observability = tower_observability::init("outage").unwrap();
        let at = format!("127.0.0.1:{}", std::env::var("AT").unwrap());
        let ask = match &*std::env::var("DEPENDENCY").unwrap() {
            "postgres" => postgres(&at),
            "redis" => redis(&at, &observability),
            "rabbitmq" => rabbitmq(&at),
            "kafka" => kafka(&at),
            other => panic!("{other}"),
        };
        let app =
            Router::new().route("/book", post(move || book(ask.clone()))).layer(ObservabilityLayer::new());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        eprintln!("listening: {}", listener.local_addr().unwrap());
        eprintln!("admin: {}", observability.admin_address().unwrap());
        axum::serve(listener, app).await.unwrap();
    });
}

async fn book(ask: Ask) -> StatusCode {
    match timeout(PATIENCE, ask()).await {
        Ok(Ok(())) => StatusCode::OK,
        Ok(Err(error)) => {
            request::error(&*error);
            StatusCode::SERVICE_UNAVAILABLE
        }
        Err(late) => {
            request::error(&late);
            StatusCode::GATEWAY_TIMEOUT
        }
    }
}

fn ask<F>(ask: impl Fn() -> F + Send + Sync + 'static) -> Ask
where
    F: Future<Output = Result<(), Failure>> + Send + 'static,
{
    Arc::new(move || Box::pin(ask()))
}

fn postgres(at: &str) -> Ask {
    let options = PgPoolOptions::new().max_connections(4).acquire_timeout(PATIENCE / 2);
    let pool = options.connect_lazy(&format!("postgres://bookings@{at}/postgres")).unwrap();
    ask(move || {
        let pool = pool.clone();
        async move {
            let mut connection = acquire("bookings", pool.acquire()).await?;
            let sql = "SELECT count(*) FROM pg_class";
            let count = sqlx::query(sql).fetch_one(&mut *connection);
            Query::sql("postgresql", sql).try_run(count).await?;
            Ok(())
        }
    })
}

fn redis(at: &str, observability: &Observability) -> Ask {
    let client = redis::Client::open(format!("redis://{at}")).unwrap();
    let watched = client.clone();
    observability.queue("votes", move || {
        let client = watched.clone();
        async move {
            let mut redis = client.get_multiplexed_async_connection().await.ok()?;
            let depth = redis::cmd("LLEN").arg("votes").query_async(&mut redis).await.ok()?;
            Some(QueueState { depth: Some(depth), ..QueueState::default() })
        }
    });
    ask(move || {
        let client = client.clone();
        async move {
            let push = async {
                let mut redis = client.get_multiplexed_async_connection().await?;
                redis::cmd("RPUSH").arg("votes").arg(1).query_async::<u64>(&mut redis).await
            };
            Query::new("redis", "RPUSH").try_run(push).await?;
            Ok(())
        }
    })
}

fn rabbitmq(at: &str) -> Ask {
    let url: Arc<str> = format!("amqp://guest:guest@{at}/%2f").into();
    let open = Arc::new(Mutex::new(None::<(Connection, Channel)>));
    ask(move || {
        let (url, open) = (Arc::clone(&url), Arc::clone(&open));
        async move {
            let publish = async {
                let mut slot = open.lock().await;
                // Whoever fails or gives up leaves none, and the next one connects anew.
                let (connection, channel) = match slot.take() {
                    Some(open) => open,
                    None => connect(&url).await?,
                };
                let options = BasicPublishOptions::default();
                let sent = channel.basic_publish(
                    "".into(),
                    "bookings".into(),
                    options,
                    b"{}",
                    BasicProperties::default(),
                );
                sent.await?.await?;
                *slot = Some((connection, channel));
                Ok::<_, lapin::Error>(())
            };
            Work::producer("send booking")
                .system("rabbitmq")
                .destination("bookings")
                .try_run(publish)
                .await?;
            Ok(())
        }
    })
}

async fn connect(url: &str) -> Result<(Connection, Channel), lapin::Error> {
    let connection = Connection::connect(url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    channel.queue_declare("bookings".into(), QueueDeclareOptions::default(), FieldTable::default()).await?;
    Ok((connection, channel))
}

fn kafka(at: &str) -> Ask {
    let (at, open) = (at.to_owned(), Arc::new(Mutex::new(None::<Arc<PartitionClient>>)));
    ask(move || {
        let (at, open) = (at.clone(), Arc::clone(&open));
        async move {
            let produce = async {
                let mut slot = open.lock().await;
                let partition = match &*slot {
                    Some(partition) => Arc::clone(partition),
                    None => Arc::clone(slot.insert(Arc::new(topic(at).await?))),
                };
                drop(slot);
                let (value, headers) = (Some(b"{}".to_vec()), BTreeMap::new());
                let record = Record { key: None, value, headers, timestamp: Utc::now() };
                partition.produce(vec![record], Compression::NoCompression).await
            };
            Work::producer("send booking").system("kafka").destination("bookings").try_run(produce).await?;
            Ok(())
        }
    })
}

async fn topic(at: String) -> Result<PartitionClient, rskafka::client::error::Error> {
    let kafka = ClientBuilder::new(vec![at]).build().await?;
    // It may be there already.
    let _ = kafka.controller_client()?.create_topic("bookings", 1, 1, 5_000).await;
    kafka.partition_client("bookings", 0, UnknownTopicHandling::Retry).await
}
