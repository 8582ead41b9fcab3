//! A Redis that hangs, dies and comes back under load: the page loses the queue's depth and not more, and no request fails.

use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::Duration;

use tower_observability::{Query, QueueState, Work};

use crate::shared::child::{Child, run};
use crate::shared::http::get;
use crate::support::wait::eventually;

/// A Redis of the test's own, which it may end.
struct Redis(std::process::Child);

impl Redis {
    fn start(port: u16) -> Self {
        let mut command = Command::new("redis-server");
        command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""]);
        Self(command.stdout(Stdio::null()).spawn().unwrap())
    }

    fn signal(&self, signal: &str) {
        let id = self.0.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn program() {
    run(&[("counts", counts)]);
}

/// Votes are pushed, the depth of their list is watched.
fn counts() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let observability = tower_observability::init("votes").unwrap();
        let client = redis::Client::open(std::env::var("VOTES").unwrap()).unwrap();
        let reading = client.clone();
        observability.queue("votes", move || {
            let client = reading.clone();
            async move {
                let mut redis = client.get_multiplexed_async_connection().await.ok()?;
                let depth: u64 = redis::cmd("LLEN").arg("votes").query_async(&mut redis).await.ok()?;
                Some(QueueState { depth: Some(depth), ..QueueState::default() })
            }
        });
        eprintln!("admin: {}", observability.admin_address().unwrap());
        loop {
            let client = client.clone();
            let push = async move {
                let mut redis = client.get_multiplexed_async_connection().await?;
                redis::cmd("RPUSH").arg("votes").arg(1).query_async::<u64>(&mut redis).await
            };
            let vote = Query::new("redis", "RPUSH").try_run(push);
            // The vote may be lost; the work goes on.
            Work::internal("vote")
                .run(async { tokio::time::timeout(Duration::from_millis(300), vote).await.is_ok() })
                .await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
}

#[tokio::test]
async fn a_redis_that_hangs_or_dies_takes_the_depth_with_it_and_nothing_else() {
    let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
    let mut redis = Redis::start(port);
    let url = format!("redis://127.0.0.1:{port}");
    let mut child = Child::new("dependencies::outage", "counts").env("VOTES", url).start();
    let said = child.line("admin: ");
    let admin = said.rsplit(' ').next().unwrap().to_owned();
    let within = Duration::from_secs(40);
    let until = async |what: &str, holds: &dyn Fn(&str) -> bool| {
        eventually(within, what, async || {
            let page = get(&admin, "/metrics");
            if holds(&page) { Ok(()) } else { Err(page) }
        })
        .await;
    };
    let has_depth = |page: &str| page.contains("queue_depth{queue=\"votes\"}");
    let failed = |page: &str, word: &str| {
        let of = |line: &&str| line.contains("db_system_name=\"redis\"") && line.contains(word);
        page.lines()
            .filter(|line| line.starts_with("db_client_operation_duration_seconds_count"))
            .any(|l| of(&l))
    };
    until("the depth", &has_depth).await;

    redis.signal("-STOP");
    until("the depth's absence while it hangs", &|page| !has_depth(page)).await;
    let page = get(&admin, "/metrics");
    assert!(
        page.contains("work_duration_seconds_count{work_kind=\"internal\",work_name=\"vote\"}"),
        "{page}"
    );
    redis.signal("-CONT");
    until("the depth again", &has_depth).await;

    drop(redis);
    until("the error of a dead server", &|page| {
        !has_depth(page) && failed(page, "error_type=\"server_error\"")
    })
    .await;
    assert!(!get(&admin, "/metrics").contains("queue_read_failures_total{queue=\"votes\"} 0\n"));
    redis = Redis::start(port);
    until("its recovery", &has_depth).await;
    drop(redis);
}
