//! How each fault is brought about, and ended: by what the operating system, the network and the services really do.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use axum::http::Method;
use bytes::Bytes;
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::super::children::Workshop;
use super::super::plan::Plan;
use super::super::proxy::Way;
use super::small_disk;
use crate::plumbing::{BoxError, Calls};

/// Longer than any rehearsal; a report is ended before.
const REPORT_SECONDS: u64 = 60;
const LIVES_FOR: Duration = Duration::from_millis(2_500);
/// As whoever starts it again waits, longer each time in truth.
const RESTS_FOR: Duration = Duration::from_secs(1);
/// Stopped for 1.5 s, runs for 75 ms; at most 25 times, should nobody end it.
const STARVE: &str = "n=0; while [ $n -lt 25 ] && kill -STOP $1; do \
                      sleep 1.5; kill -CONT $1; sleep 0.075; n=$((n + 1)); done";

/// What breaks.
#[derive(Clone, Copy)]
pub(super) enum Cause {
    /// The way to what is behind this proxy.
    Network(&'static str, Way),
    /// What is put somewhere, and what ends it.
    Switch(Put, Put),
    /// So many reports of this kind run in the service `customers`.
    Reports(&'static str, usize),
    /// The process is killed and started again, again and again.
    Crashes(&'static str),
    /// Nobody reads its lines.
    Unread(&'static str),
    /// The file system that its lines go to is full.
    DiskFull,
    /// It runs for a twentieth of the time only.
    Starves(&'static str),
}

/// A service or `provider`, a path of it, and what is put there.
pub(super) type Put = (&'static str, &'static str, &'static str);

/// What runs because of it. Dropping it ends that.
#[derive(Default)]
pub(super) struct Injected {
    starving: Option<Child>,
    reports: JoinSet<()>,
}

impl Cause {
    /// Brings it about.
    pub(super) async fn inject(self, workshop: &Workshop, plan: &Plan) -> Result<Injected, BoxError> {
        let mut injected = Injected::default();
        match self {
            Self::Network(name, way) => plan.proxy(name)?.set(way),
            Self::Switch(on, _) => put(workshop, on).await?,
            Self::Reports(kind, count) => {
                let url = format!("{}/reports/{kind}", workshop.address("customers")?.url);
                for _ in 0..count {
                    let (calls, url) = (Calls::unseen_within(Duration::from_secs(90)), url.clone());
                    injected.reports.spawn(async move {
                        let _: Result<u64, _> = calls.post(url, &REPORT_SECONDS).await;
                    });
                }
            }
            Self::Crashes(name) => workshop.kill(name).await?,
            Self::Unread(name) => plan.leave_unread(name),
            Self::DiskFull => fill(&small_disk::folder()?.join("others.data"))?,
            Self::Starves(name) => {
                let mut shell = Command::new("sh");
                shell.args(["-c", STARVE, "sh", &workshop.pid(name).await?.to_string()]);
                injected.starving = Some(shell.kill_on_drop(true).spawn()?);
            }
        }
        Ok(injected)
    }

    /// Keeps it up, for ever.
    pub(super) async fn keep(self, workshop: &Workshop) -> Result<(), BoxError> {
        let Self::Crashes(name) = self else { return std::future::pending().await };
        loop {
            sleep(RESTS_FOR).await;
            workshop.restart(name).await?;
            sleep(LIVES_FOR).await;
            workshop.kill(name).await?;
        }
    }

    /// Ends it.
    pub(super) async fn remove(
        self,
        workshop: &Workshop,
        plan: &Plan,
        injected: Injected,
    ) -> Result<(), BoxError> {
        match self {
            Self::Network(name, _) => plan.proxy(name)?.set(Way::Open),
            Self::Switch(_, off) => put(workshop, off).await?,
            Self::Reports(..) => {
                let url = format!("{}/reports/all", workshop.address("customers")?.url);
                Calls::unseen().delete::<()>(url).await?;
            }
            Self::Crashes(name) => {
                if workshop.pid(name).await.is_err() {
                    workshop.restart(name).await?;
                }
            }
            Self::Unread(_) => plan.leave_unread(""),
            Self::DiskFull => std::fs::remove_file(small_disk::folder()?.join("others.data"))?,
            Self::Starves(name) => {
                if let Some(mut shell) = injected.starving {
                    shell.kill().await?;
                }
                let pid = workshop.pid(name).await?.to_string();
                Command::new("sh").args(["-c", "kill -CONT $1", "sh", &pid]).status().await?;
            }
        }
        Ok(())
    }
}

async fn put(workshop: &Workshop, (at, path, body): Put) -> Result<(), BoxError> {
    let base = match at {
        "provider" => workshop.provider(),
        service => &workshop.address(service)?.url,
    };
    let body = Bytes::from_static(body.as_bytes());
    Calls::unseen().text(Method::PUT, format!("{base}{path}"), None, body).await?;
    Ok(())
}

/// Writes until nothing more fits.
fn fill(path: &Path) -> Result<(), BoxError> {
    let mut file = File::create(path)?;
    for size in [4_096, 1] {
        let piece = vec![b'x'; size];
        while file.write_all(&piece).is_ok() {
            if file.metadata()?.len() > 64 << 20 {
                return Err("the file system is not a small one".into());
            }
        }
    }
    Ok(())
}
