//! A tier of collectors that is sent everything: a load balancer in front of two tail samplers, by the files of the stack.
//! The same traces are whole in the real Jaeger, and what it costs each side is measured.

use std::process::Command;
use std::time::Duration;

use super::judged::{SLOW_MS, about_one_per_cent, print, rows, there, traces};
use super::load::{LOAD, fine, load};
use crate::support::cpu::{children, peak_memory, seconds, seconds_of_threads};
use crate::support::stack::{Folder, Server, free_port};
use crate::support::systems::{COLLECTOR, JAEGER_OTLP};
use crate::support::wait::eventually;
use crate::support::workshop::{SERVICES, Workshop, ask};

/// The samplers decide after ten seconds.
const DECIDED_WITHIN: Duration = Duration::from_secs(40);

/// Requests for the figures.
const MEASURED: u64 = 8_000;

struct Collector {
    server: Server,
    /// Where it tells of itself.
    metrics: String,
    _folder: Folder,
}

struct Tier {
    balancer: Collector,
    samplers: [Collector; 2],
}

impl Collector {
    /// Starts a file of the stack's folder; `at` is what it listens at.
    async fn start(name: &str, file: &str, at: &str, replace: &[(&str, &str)]) -> Self {
        let folder = Folder::new(name);
        let port = free_port();
        let own = format!("host: 127.0.0.1, port: {port}");
        let mut replace = replace.to_vec();
        replace.push(("host: 0.0.0.0, port: 8888", &own));
        let file = folder.copy("collector", &replace).join(file);
        let mut command = Command::new(COLLECTOR.path());
        command.arg("--config").arg(file);
        let server = Server::listening(&mut command, at).await;
        Self { server, metrics: format!("http://127.0.0.1:{port}/metrics"), _folder: folder }
    }

    /// The sum of its own metric.
    fn says(&self, name: &str) -> f64 {
        let page = ask("GET", &self.metrics, &[], None).body;
        let samples = page.lines().filter(|line| line.starts_with(name));
        samples.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }
}

impl Tier {
    async fn start() -> Self {
        let [one, two, grpc, http] = [(); 4].map(|()| format!("127.0.0.1:{}", free_port()));
        let jaeger = ("http://jaeger:4318", &*JAEGER_OTLP.value());
        let samplers = [
            Collector::start("sampler-1", "sampler.yaml", &one, &[jaeger, ("0.0.0.0:4317", &one)]).await,
            Collector::start("sampler-2", "sampler.yaml", &two, &[jaeger, ("0.0.0.0:4317", &two)]).await,
        ];
        let replace = [
            ("0.0.0.0:4317", &*grpc),
            ("0.0.0.0:4318", &http),
            ("sampler-1:4317", &one),
            ("sampler-2:4317", &two),
        ];
        let balancer = Collector::start("balancer", "balancer.yaml", &http, &replace).await;
        Self { balancer, samplers }
    }

    /// Until the samplers hold nothing any more.
    async fn decided(&self) {
        let held = "otelcol_processor_tail_sampling_sampling_traces_on_memory";
        let mut took = -1.0;
        eventually(DECIDED_WITHIN, "all traces are decided", async || {
            let before = took;
            let [held, all] = [held, "otelcol_receiver_accepted_spans"]
                .map(|name| self.samplers.iter().map(|sampler| sampler.says(name)).sum::<f64>());
            took = all;
            // Nothing held, and nothing new since the last look.
            if held == 0.0 && before == took { Ok(()) } else { Err(format!("{held} of {took} spans")) }
        })
        .await;
    }

    fn all(&self) -> [(&'static str, &Collector); 3] {
        let [one, two] = &self.samplers;
        [("first tier", &self.balancer), ("sampler 1", one), ("sampler 2", two)]
    }
}

/// CPU seconds so far of the services' exporters and of each collector, and how many spans each took.
fn used(workshop: &Workshop, tier: &Tier) -> Vec<(&'static str, f64, f64)> {
    let services = children(workshop.id());
    let exporters = services.iter().map(|id| seconds_of_threads(*id, "observability")).sum();
    let exported = |service: &str| {
        let page = ask("GET", &format!("{}/metrics", workshop.addresses(service).admin), &[], None).body;
        let samples = page.lines().filter(|line| line.starts_with("otel_sdk_exporter_span_exported_total"));
        samples.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum::<f64>()
    };
    let mut used = vec![("eight exporters", exporters, SERVICES.map(exported).iter().sum())];
    for (name, collector) in tier.all() {
        let spans = collector.says("otelcol_receiver_accepted_spans");
        used.push((name, seconds(collector.server.id()), spans));
    }
    used
}

/// Prints what each side used for so many requests, and how many CPUs that is at 100,000 requests a second.
async fn figures(workshop: &Workshop, tier: &Tier) {
    let before = used(workshop, tier);
    let begun = std::time::Instant::now();
    load(workshop, &[fine(MEASURED)]);
    let took = begun.elapsed().as_secs_f64();
    tier.decided().await;
    println!("{MEASURED} requests in {took:.1} s");
    println!(
        "| side | spans | spans/s | µs of CPU a span | CPUs at 100,000 requests/s | memory |\n|---|--:|--:|--:|--:|--:|"
    );
    for ((name, cpu, spans), (_, cpu_before, spans_before)) in used(workshop, tier).into_iter().zip(before) {
        let (cpu, spans) = (cpu - cpu_before, spans - spans_before);
        let memory = tier.all().into_iter().find(|(of, _)| *of == name);
        let memory = memory.map_or(0.0, |(_, collector)| peak_memory(collector.server.id()) / 1048576.0);
        println!(
            "| {name} | {spans} | {:.0} | {:.1} | {:.1} | {memory:.0} MiB |",
            spans / took,
            cpu / spans * 1e6,
            cpu / MEASURED as f64 * 100_000.0,
        );
        assert!(spans > 0.0, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tier_of_collectors_keeps_the_traces_that_matter_whole_and_one_per_cent_of_the_rest() {
    let tier = Tier::start().await;
    let workshop = Workshop::start(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &tier.balancer.server.url)]);
    let asked = load(&workshop, &LOAD);
    let traces = traces(&workshop, &asked).await;
    let table = rows(&traces, &asked, "").await;
    print(&table);
    // What lasted for nearly as long as is slow may be there as well: the samplers see its client's time, too.
    let rest: Vec<_> = traces
        .iter()
        .filter(|(_, said)| !said.matters() && said.milliseconds() < SLOW_MS * 0.8)
        .map(|(trace_id, _)| trace_id)
        .collect();
    tier.decided().await;
    let there = there(&rest).await;
    println!("of the {} others {there} are there", rest.len());
    assert!(table.iter().map(|row| row.expected).sum::<usize>() >= 100 && rest.len() >= 1_000);
    about_one_per_cent(there, rest.len());
    let took: Vec<f64> =
        tier.samplers.iter().map(|one| one.says("otelcol_receiver_accepted_spans")).collect();
    assert!(took.iter().all(|spans| *spans > 1_000.0), "both take part: {took:?}");
    for sampler in &tier.samplers {
        assert_eq!(sampler.says("otelcol_processor_tail_sampling_sampling_trace_dropped_too_early"), 0.0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "prints the figures of the guide; run by hand"]
async fn what_a_tier_of_collectors_costs_each_side() {
    let tier = Tier::start().await;
    let idle = tier.all().map(|(_, collector)| peak_memory(collector.server.id()) / 1048576.0);
    println!("memory before: {idle:.0?} MiB");
    let workshop = Workshop::start(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &tier.balancer.server.url)]);
    figures(&workshop, &tier).await;
}
