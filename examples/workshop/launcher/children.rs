//! The eight processes: started one after the other, ended by closing their input.

use std::process::Stdio;
use std::time::Duration;

use axum::http::Method;
use bytes::Bytes;
use tokio::process::{Child, ChildStdin, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::arrivals::Arrivals;
use super::environment::{ENDPOINT, Environment};
use super::evidence::Evidence;
use super::output::Output;
use super::{exposition, provider, viewer};
use crate::plumbing::{Addresses, BoxError, Calls, variable};
use crate::services;

const MAY_START_FOR: Duration = Duration::from_secs(20);
const MAY_END_FOR: Duration = Duration::from_secs(15);

/// The running workshop. Dropping it kills what is left of it.
pub(super) struct Workshop {
    services: Vec<Service>,
}

/// One process, and the addresses that it told us.
struct Service {
    name: &'static str,
    process: Child,
    /// Its standard input: open as long as it is to live.
    life: Option<ChildStdin>,
    reader: JoinHandle<()>,
    addresses: Addresses,
}

/// What each service is started with.
struct Start {
    environment: Environment,
    output: Output,
    arrivals: Arrivals,
    /// Where the others are.
    variables: Vec<(String, String)>,
}

impl Workshop {
    /// Starts the workshop, does something with it and ends it, however that went.
    pub(super) async fn run<T>(
        environment: Environment,
        output: Output,
        act: impl AsyncFnOnce(&Self) -> Result<T, BoxError>,
    ) -> Result<T, BoxError> {
        Self::run_with(environment, output, Vec::new(), act).await
    }

    /// The same, with variables for the eight beside those of the environment.
    pub(super) async fn run_with<T>(
        environment: Environment,
        output: Output,
        variables: Vec<(String, String)>,
        act: impl AsyncFnOnce(&Self) -> Result<T, BoxError>,
    ) -> Result<T, BoxError> {
        let workshop = Self::start(environment, output, variables).await?;
        let outcome = act(&workshop).await;
        workshop.stop().await?;
        outcome
    }

    /// The viewer and the payment provider first, then each of the eight.
    async fn start(
        environment: Environment,
        output: Output,
        mut variables: Vec<(String, String)>,
    ) -> Result<Self, BoxError> {
        variables.push((variable("provider"), provider::start().await?));
        if let (Environment::Viewer, Output::Kept(evidence)) = (environment, &output) {
            variables.push((ENDPOINT.to_owned(), viewer::start(evidence.clone()).await?));
        }
        let mut start = Start { environment, output, arrivals: Arrivals::start().await?, variables };
        let mut workshop = Self { services: Vec::new() };
        for name in services::NAMES {
            let service = start.service(name).await?;
            start.variables.push((variable(name), service.addresses.url.clone()));
            workshop.services.push(service);
        }
        Ok(workshop)
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
    async fn stop(mut self) -> Result<(), BoxError> {
        for service in &mut self.services {
            drop(service.life.take());
        }
        for service in &mut self.services {
            timeout(MAY_END_FOR, service.process.wait())
                .await
                .map_err(|_| format!("{} did not end by itself", service.name))??;
            timeout(MAY_END_FOR, &mut service.reader).await.map_err(|_| "a line has no end")??;
        }
        Ok(())
    }
}

impl Start {
    /// Starts one, and waits until it listens.
    async fn service(&mut self, name: &'static str) -> Result<Service, BoxError> {
        let mut command = program_of(name)?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let_ctrl_c_pass(&mut command);
        self.environment.apply(&mut command);
        command.envs(self.variables.iter().cloned());
        command.env(variable("launcher"), self.arrivals.url_for(name));
        let mut process = command.spawn().map_err(|error| format!("{name} cannot be started: {error}"))?;
        let output = process.stdout.take().ok_or("no output")?;
        // Kept apart, since waiting for a process closes the input that it still holds.
        let life = process.stdin.take();
        let reader = tokio::spawn(self.output.clone().take(output));
        let addresses = timeout(MAY_START_FOR, async {
            tokio::select! {
                addresses = self.arrivals.of(name) => addresses,
                _ = process.wait() => None,
            }
        });
        let addresses = addresses.await.map_err(|_| format!("{name} did not start"))?;
        let addresses = addresses.ok_or_else(|| format!("{name} died"))?;
        Ok(Service { name, process, life, reader, addresses })
    }
}

/// Ctrl-C at the terminal is for the launcher, which ends the eight when it has seen what it wants to see of them.
#[cfg(unix)]
fn let_ctrl_c_pass(command: &mut Command) {
    command.process_group(0);
}

#[cfg(not(unix))]
fn let_ctrl_c_pass(_: &mut Command) {}

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
