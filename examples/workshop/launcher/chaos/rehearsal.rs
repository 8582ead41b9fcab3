//! One fault from its beginning to its end: the eight start, customers come, it breaks, it is seen, it is repaired, all is well
//! again, the eight end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::super::children::Workshop;
use super::super::environment::Environment;
use super::super::evidence::{self, Evidence};
use super::super::output::Output;
use super::super::plan::Plan;
use super::super::ports;
use super::cause::Cause;
use super::fault::Fault;
use super::prometheus::Prometheus;
use super::traffic::{Tally, Traffic};
use super::watch::{Found, Watch, read};
use super::{show, small_disk};
use crate::plumbing::{BoxError, Calls};

/// The rules are evaluated every two seconds, of what was scraped before.
const SEEN_WITHIN: Duration = Duration::from_secs(45);
const SEEN_WITHOUT_ALERTS: Duration = Duration::from_secs(25);
/// For how long customers come before it.
const HEALTHY: Duration = Duration::from_secs(5);
const HEALTHY_QUICKLY: Duration = Duration::from_millis(1_500);
const WELL_WITHIN: Duration = Duration::from_secs(30);
/// All is well when nothing failed for this long.
const WELL_FOR: Duration = Duration::from_secs(2);

/// What may be cut.
const PROXIES: [&str; 4] = ["viewer", "notifications", "broker", "customers"];

/// What a rehearsal came to.
pub(super) struct Report {
    pub(super) fault: &'static Fault,
    pub(super) found: Vec<Found>,
    pub(super) during: Tally,
    pub(super) well_after: Duration,
    /// Of each variant of a feature flag: how many payments asked for it, and how many of them failed.
    pub(super) variants: Vec<(&'static str, usize, usize)>,
}

/// Rehearses it.
pub(super) async fn rehearse(fault: &'static Fault, is_quick: bool) -> Result<Report, BoxError> {
    let evidence = Arc::new(Evidence::default());
    let plan = Arc::new(plan(fault)?);
    let output = Output::Kept(evidence.clone());
    show::opening(fault);
    let act = async |workshop: &Workshop| {
        Calls::unseen().put::<()>(format!("{}/mood", workshop.provider()), &"steady").await?;
        let prometheus = Prometheus::start(workshop).await?;
        let report = play(fault, is_quick, workshop, &plan, &evidence, prometheus.as_ref()).await;
        if let Some(prometheus) = prometheus {
            prometheus.stop().await?;
        }
        report
    };
    let report = Workshop::run_with(plan.clone(), Environment::Viewer, output, Vec::new(), act).await?;
    show::ending(&report);
    Ok(report)
}

fn plan(fault: &Fault) -> Result<Plan, BoxError> {
    let mut plan = Plan::with_proxies(&PROXIES);
    // A busy machine is no flaky provider.
    plan.set("", "PROVIDER_MAY_TAKE_MS", "500");
    // What is embedded is what is broken.
    for name in ["DATABASE_URL", "REDIS_URL", "AMQP_URL", "KAFKA_BROKERS", "FLAGS"] {
        plan.set("", name, "");
    }
    for (service, name, value) in fault.variables {
        plan.set(service, name, value);
    }
    if let Cause::Crashes(name) = fault.cause {
        plan.set(name, "LISTEN", &format!("127.0.0.1:{}", ports::free()?));
        plan.set(name, "OTEL_EXPORTER_PROMETHEUS_PORT", &ports::free()?.to_string());
    }
    if fault.needs_disk() {
        let disk = small_disk::folder()?;
        plan.set("vehicles", "OBSERVABILITY_DISK_PATHS", &disk.to_string_lossy());
        plan.file = Some(("vehicles", disk.join("vehicles.log")));
    }
    Ok(plan)
}

async fn play(
    fault: &'static Fault,
    is_quick: bool,
    workshop: &Workshop,
    plan: &Plan,
    evidence: &Arc<Evidence>,
    prometheus: Option<&Prometheus>,
) -> Result<Report, BoxError> {
    let healthy = if is_quick { HEALTHY_QUICKLY } else { HEALTHY };
    let within = if prometheus.is_some() { SEEN_WITHIN } else { SEEN_WITHOUT_ALERTS };
    let traffic = Traffic::start(workshop, fault.traffic);
    let start = all_is_well(&traffic, healthy).await?;
    let before = read(workshop, &fault.metric).await.ok_or("there are no metrics")?;
    let (begun, from) = (Instant::now(), evidence::now());
    let watch = Watch { fault, workshop, evidence: evidence.clone(), prometheus, begun, from, before };
    let well = traffic.tally(start, begun);
    let injected = fault.cause.inject(workshop, plan).await?;
    let found = tokio::select! {
        found = watch.see_all(within) => found,
        ended = fault.cause.keep(workshop) => Err(format!("it ended too early: {ended:?}").into()),
    };
    let (repaired, ended) = (Instant::now(), evidence::now());
    // Seen or not: what was broken is repaired.
    fault.cause.remove(workshop, plan, injected).await?;
    let found = found?;
    show::seen(&found, &well);
    let well_after = well_again(&watch, &traffic, ended).await?;
    let during = traffic.tally(begun, repaired);
    if fault.is_felt && during.failed == 0 && during.p95 < Duration::from_secs(1) {
        return Err("no customer noticed".into());
    }
    if !fault.is_felt && during.failed > 0 {
        return Err(format!("customers noticed: {}", during.failure).into());
    }
    let variants = ["on", "off"].map(|variant| of_variant(evidence, variant)).into_iter().flatten().collect();
    Ok(Report { fault, found, during, well_after, variants })
}

/// Until nobody failed for so long. Returns when that began.
async fn all_is_well(traffic: &Traffic, healthy: Duration) -> Result<Instant, BoxError> {
    let deadline = Instant::now() + WELL_WITHIN;
    while Instant::now() < deadline {
        let start = Instant::now();
        sleep(healthy).await;
        let tally = traffic.tally(start, Instant::now());
        if tally.failed == 0 && tally.asked > 0 {
            return Ok(start);
        }
    }
    Err("the workshop was not well even before".into())
}

/// Until customers were served well for a while, and the metric is calm. Returns when that while began.
async fn well_again(watch: &Watch<'_>, traffic: &Traffic, ended: i64) -> Result<Duration, BoxError> {
    let repaired = Instant::now();
    let (mut last, mut bad) = (None, repaired);
    loop {
        sleep(Duration::from_millis(500)).await;
        let now = Instant::now();
        if !watch.is_calm(&mut last, ended).await {
            bad = now;
        }
        let tally = traffic.tally(bad.max(now - WELL_FOR), now);
        if tally.failed > 0 || tally.p95 > Duration::from_secs(1) {
            bad = now;
        }
        if now - bad >= WELL_FOR && tally.asked > 0 {
            return Ok(bad - repaired);
        }
        if repaired.elapsed() > WELL_WITHIN {
            return Err(format!("not well again: {} {last:?}", tally.failure).into());
        }
    }
}

/// The payments of which the line says that this variant of the flag was theirs.
fn of_variant(evidence: &Evidence, variant: &'static str) -> Option<(&'static str, usize, usize)> {
    let lines = evidence.lines();
    let key = "observability.feature_flag.fraud-check";
    let (mut all, mut failed) = (0, 0);
    for line in lines.iter().filter(|line| line.row.is(key, variant) && line.row.is("route", "/payments")) {
        all += 1;
        failed += usize::from(!line.row.is("outcome", "ok"));
    }
    (all > 0).then_some((variant, all, failed))
}
