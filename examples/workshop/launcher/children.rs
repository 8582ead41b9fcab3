//! The eight processes: started one after the other, ended by closing their input.

use std::fs::File;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use bytes::Bytes;
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::Mutex;
use tokio::sync::watch::Receiver;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::arrivals::Arrivals;
use super::environment::{ENDPOINT, Environment};
use super::evidence::Evidence;
use super::output::Output;
use super::plan::Plan;
use super::{exposition, provider, viewer};
use crate::plumbing::{Addresses, BoxError, Calls, variable};
use crate::services;

const MAY_START_FOR: Duration = Duration::from_secs(20);
const MAY_END_FOR: Duration = Duration::from_secs(15);

/// The running workshop. Dropping it kills what is left of it.
pub(super) struct Workshop {
    services: Vec<Service>,
    start: Mutex<Start>,
    provider: String,
}

/// One of the eight, and the addresses that it told us.
struct Service {
    name: &'static str,
    addresses: Addresses,
    running: Mutex<Running>,
}

/// Its process.
struct Running {
    process: Child,
    /// Its standard input: open as long as it is to live.
    life: Option<ChildStdin>,
    reader: JoinHandle<()>,
}

/// What each service is started with.
struct Start {
    environment: Environment,
    output: Output,
    arrivals: Arrivals,
    /// Where the others are.
    variables: Vec<(String, String)>,
    plan: Arc<Plan>,
}

impl Workshop {
    /// Starts the workshop, does something with it and ends it, however that went.
    pub(super) async fn run<T>(
        environment: Environment,
        output: Output,
        act: impl AsyncFnOnce(&Self) -> Result<T, BoxError>,
    ) -> Result<T, BoxError> {
        Self::run_with(Arc::default(), environment, output, Vec::new(), act).await
    }

    /// The same, with something between the services, and with variables for the eight beside those of the environment.
    pub(super) async fn run_with<T>(
        plan: Arc<Plan>,
        environment: Environment,
        output: Output,
        variables: Vec<(String, String)>,
        act: impl AsyncFnOnce(&Self) -> Result<T, BoxError>,
    ) -> Result<T, BoxError> {
        let workshop = Self::start(plan, environment, output, variables).await?;
        let outcome = act(&workshop).await;
        let stopped = workshop.stop().await;
        let outcome = outcome?;
        stopped.map(|()| outcome)
    }

    /// The viewer and the payment provider first, then each of the eight.
    async fn start(
        plan: Arc<Plan>,
        environment: Environment,
        output: Output,
        mut variables: Vec<(String, String)>,
    ) -> Result<Self, BoxError> {
        let provider = provider::start().await?;
        variables.push((variable("provider"), provider.clone()));
        if let (Environment::Viewer, Output::Kept(evidence)) = (environment, &output) {
            let viewer = viewer::start(evidence.clone()).await?;
            variables.push((ENDPOINT.to_owned(), plan.published("viewer", &viewer).await?));
        }
        let arrivals = Arrivals::start().await?;
        let mut start = Start { environment, output, arrivals, variables, plan };
        let mut services = Vec::new();
        for name in services::NAMES {
            let (running, addresses) = start.service(name, None).await?;
            start.publish(name, &addresses.url).await?;
            services.push(Service { name, addresses, running: Mutex::new(running) });
        }
        Ok(Self { services, start: Mutex::new(start), provider })
    }

    /// The payment provider's URL.
    pub(super) fn provider(&self) -> &str {
        &self.provider
    }

    /// Where a service listens.
    pub(super) fn address(&self, name: &str) -> Result<&Addresses, BoxError> {
        Ok(&self.service(name)?.addresses)
    }

    /// The process of a service.
    pub(super) async fn pid(&self, name: &str) -> Result<u32, BoxError> {
        let id = self.service(name)?.running.lock().await.process.id();
        Ok(id.ok_or_else(|| format!("{name} has ended"))?)
    }

    /// Ends a service as the kernel does for lack of memory: without a word.
    pub(super) async fn kill(&self, name: &str) -> Result<(), BoxError> {
        Ok(self.service(name)?.running.lock().await.process.kill().await?)
    }

    /// Starts a service that has ended, where it listened before.
    pub(super) async fn restart(&self, name: &str) -> Result<(), BoxError> {
        let service = self.service(name)?;
        let (running, _) = self.start.lock().await.service(service.name, Some(&service.addresses)).await?;
        *service.running.lock().await = running;
        Ok(())
    }

    fn service(&self, name: &str) -> Result<&Service, BoxError> {
        let service = self.services.iter().find(|service| service.name == name);
        Ok(service.ok_or_else(|| format!("no service is called {name}"))?)
    }

    /// The URL of a path at the public edge.
    pub(super) fn gateway(&self, path: &str) -> String {
        let mut addresses = self.addresses();
        let gateway = addresses.find(|(name, _)| *name == "gateway");
        gateway.map_or_else(String::new, |(_, gateway)| format!("{}{path}", gateway.url))
    }

    /// Name and addresses of each service.
    pub(super) fn addresses(&self) -> impl Iterator<Item = (&'static str, &Addresses)> {
        self.services.iter().map(|service| (service.name, &service.addresses))
    }

    /// Reads the eight `/metrics` into the evidence.
    pub(super) async fn scrape(&self, evidence: &Evidence) -> Result<(), BoxError> {
        let calls = Calls::unseen();
        // Another program in a service's place need not have any.
        for (name, addresses) in self.addresses().filter(|(_, addresses)| !addresses.admin.is_empty()) {
            let page = format!("{}/metrics", addresses.admin);
            let text = calls.text(Method::GET, page, None, Bytes::new()).await?;
            evidence.add_samples(exposition::read(name, &String::from_utf8_lossy(&text)));
        }
        Ok(())
    }

    /// Ends all eight, who tell the last that they have to tell.
    async fn stop(self) -> Result<(), BoxError> {
        let mut services = self.services.into_iter().map(|one| (one.name, one.running.into_inner()));
        let mut services: Vec<_> = services.by_ref().collect();
        for (_, running) in &mut services {
            drop(running.life.take());
        }
        for (name, running) in &mut services {
            timeout(MAY_END_FOR, running.process.wait())
                .await
                .map_err(|_| format!("{name} did not end by itself"))??;
            timeout(MAY_END_FOR, &mut running.reader).await.map_err(|_| "a line has no end")??;
        }
        Ok(())
    }
}

impl Start {
    /// Others find it by this URL, and the queue's broker, which the worker serves.
    async fn publish(&mut self, name: &str, url: &str) -> Result<(), BoxError> {
        let published = self.plan.published(name, url).await?;
        self.variables.push((variable(name), published));
        if name == "worker" && self.plan.has("broker") {
            let published = self.plan.published("broker", url).await?;
            self.variables.push((variable("broker"), published));
        }
        Ok(())
    }

    /// Starts one, and waits until it listens, at the same addresses as `before`.
    async fn service(
        &mut self,
        name: &'static str,
        before: Option<&Addresses>,
    ) -> Result<(Running, Addresses), BoxError> {
        let mut command = program_of(name)?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let_ctrl_c_pass(&mut command);
        self.environment.apply(&mut command);
        command.envs(self.variables.iter().cloned());
        command.envs(self.plan.variables_of(name));
        command.env(variable("launcher"), self.arrivals.url_for(name));
        if let Some(Addresses { url, admin }) = before {
            command.env("LISTEN", url.trim_start_matches("http://"));
            command.env("OTEL_EXPORTER_PROMETHEUS_PORT", admin.rsplit(':').next().unwrap_or_default());
        }
        let file = self.plan.file.as_ref().filter(|(of, _)| *of == name).map(|(_, path)| path);
        if let Some(path) = file {
            command.stdout(File::options().create(true).append(true).open(path)?);
        }
        let mut process = command.spawn().map_err(|error| format!("{name} cannot be started: {error}"))?;
        // Kept apart, since waiting for a process closes the input that it still holds.
        let life = process.stdin.take();
        let (output, unread) = (self.output.clone(), self.plan.unread());
        let reader = match (process.stdout.take(), file) {
            (Some(lines), _) => tokio::spawn(output.take(name, lines, unread)),
            (None, Some(path)) => tokio::spawn(follow(name, output, tail(path, process.id())?, unread)),
            (None, None) => return Err("no output".into()),
        };
        let addresses = timeout(MAY_START_FOR, async {
            tokio::select! {
                addresses = self.arrivals.of(name) => addresses,
                _ = process.wait() => None,
            }
        });
        let addresses = addresses.await.map_err(|_| format!("{name} did not start"))?;
        let addresses = addresses.ok_or_else(|| format!("{name} died"))?;
        Ok((Running { process, life, reader }, addresses))
    }
}

/// Ctrl-C at the terminal is for the launcher, which ends the eight when it has seen what it wants to see of them.
#[cfg(unix)]
fn let_ctrl_c_pass(command: &mut Command) {
    command.process_group(0);
}

#[cfg(not(unix))]
fn let_ctrl_c_pass(_: &mut Command) {}

/// What a process writes into a file, until it has ended.
fn tail(path: &Path, of: Option<u32>) -> Result<Child, BoxError> {
    let mut command = Command::new("tail");
    command.args([
        "--lines=+1",
        "--sleep-interval=0.2",
        "--follow",
        "--pid",
        &of.unwrap_or_default().to_string(),
    ]);
    Ok(command.arg(path).stdout(Stdio::piped()).kill_on_drop(true).spawn()?)
}

async fn follow(name: &'static str, output: Output, mut tail: Child, unread: Receiver<&'static str>) {
    if let Some(lines) = tail.stdout.take() {
        output.take(name, lines, unread).await;
    }
    let _ = tail.wait().await;
}

/// This program once more, or the one that `BOOKINGS_COMMAND` and the like put in its place.
fn program_of(name: &str) -> Result<Command, BoxError> {
    let replaced = std::env::var(format!("{}_COMMAND", name.to_uppercase())).unwrap_or_default();
    let mut words = replaced.split_whitespace();
    let Some(program) = words.next() else {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(name);
        return Ok(command);
    };
    let mut command = Command::new(program);
    command.args(words);
    Ok(command)
}
