//! The queries of the guide: what each must answer, given what the workshop served.

use std::collections::BTreeMap;

use super::{BOUNDS, VERSION, of_the_eight};
use crate::support::prometheus::{Labels, Question, Sample, Series, ask, ask_at, now, samples_at};
use crate::support::wait::{SOON, eventually};
use crate::support::workshop::{SERVICES, Workshop};

/// The window of all questions, in seconds.
const WINDOW: f64 = 300.0;
/// Where most was asked.
const PARTS: [(&str, &str); 2] = [("job", "gateway"), ("http_route", "/parts/{part}")];
const RESERVE: [(&str, &str); 2] = [("job", "inventory"), ("rpc_method", "workshop.Inventory/Reserve")];

/// What Prometheus can have seen of the workshop.
pub(super) struct Seen {
    /// The time that all questions are asked for.
    at: f64,
    /// Over HTTP.
    served: Vec<Grown>,
    /// Over gRPC.
    answered: Vec<Grown>,
    called: Vec<Grown>,
    worked: Vec<Grown>,
    /// How long questions for parts took, by the gateway's own lines, in seconds; shortest first.
    took: Vec<f64>,
}

/// By how much a series grew since its first sample.
struct Grown {
    labels: Labels,
    least: f64,
    /// What `increase` may make of it: it extrapolates to the ends of the window.
    most: f64,
}

type Holds = fn(&Seen, &[Sample]);

/// Each question by the begin of its title, and what must hold of the answer.
const QUESTIONS: &[(&str, Holds)] = &[
    ("Rate: requests a second, by service and route.", |seen, found| {
        grew(found, WINDOW, &["job", "http_request_method", "http_route"], &seen.served);
    }),
    ("Errors: their share of all requests, HTTP and gRPC, by service.", Seen::holds_share),
    ("Errors by kind and route.", |seen, found| {
        let errors = failed(&seen.served);
        assert!(errors.iter().any(|error| error.labels.have(&[("job", "gateway"), ("error_type", "502")])));
        grew(found, 1.0, &["job", "http_route", "error_type"], errors);
    }),
    ("Duration: the 95th percentile, by service and route.", Seen::holds_quantile),
    ("Duration: the mean, by service and route.", Seen::holds_mean),
    ("gRPC: calls a second, by service and method.", |seen, found| {
        assert!(find(found, &RESERVE).value * WINDOW >= 17.0, "{found:#?}");
        grew(found, WINDOW, &["job", "rpc_method"], &seen.answered);
    }),
    // No call has failed; what it finds of one that has, its sister of HTTP shows.
    ("gRPC: errors by kind and method.", |_, found| assert!(found.is_empty(), "{found:#?}")),
    ("gRPC: the 95th percentile, by service and method.", |_, found| {
        let quantile = find(found, &RESERVE).value;
        assert!((0.0..1.0).contains(&quantile) && quantile > 0.0, "{found:#?}");
    }),
    ("Requests in flight, by service.", |_, found| {
        assert_eq!(found.len(), SERVICES.len(), "{found:#?}");
        assert!(found.iter().all(|sample| sample.value == 0.0), "{found:#?}");
    }),
    ("Failed calls, by caller, callee and kind.", |seen, found| {
        let errors = failed(&seen.called);
        assert!(errors.iter().any(|error| error.labels.have(&[("job", "payments"), ("error_type", "500")])));
        grew(found, 1.0, &["job", "server_address", "server_port", "error_type"], errors);
    }),
    ("Jobs and messages a second, by service and name.", |seen, found| {
        let consumed = find(found, &[("job", "worker"), ("work_name", "process bookings")]);
        assert!(consumed.value * WINDOW >= 17.0, "{consumed:?}");
        grew(found, WINDOW, &["job", "work_name"], &seen.worked);
    }),
    ("Rate by version: does the new one get traffic already?", |seen, found| {
        assert_eq!(found.len(), SERVICES.len(), "{found:#?}");
        assert!(found.iter().all(|sample| sample.labels.get("service_version") == VERSION), "{found:#?}");
        grew(found, WINDOW, &["job"], seen.all());
    }),
    ("Restarts in the last hour, by process.", |_, found| {
        assert_eq!(found.len(), SERVICES.len(), "{found:#?}");
        assert!(found.iter().all(|sample| sample.value == 0.0), "{found:#?}");
    }),
    ("Processes that cannot be scraped.", |_, found| assert!(found.is_empty(), "{found:#?}")),
    ("Lost telemetry, by part of the pipeline and reason.", |_, found| {
        assert!(found.is_empty(), "{found:#?}");
    }),
];

impl Seen {
    pub(super) async fn of(workshop: &Workshop) -> Self {
        let at = now();
        // A scrape that began before is stored when a later one is.
        let scraped = format!("min(timestamp({})) > {at:.3}", of_the_eight("up", ""));
        eventually(SOON, "the next scrape", async || {
            if ask(&scraped).await.is_empty() { Err(scraped.clone()) } else { Ok(()) }
        })
        .await;
        Self {
            at,
            served: grown("http_server_request_duration_seconds_count", at).await,
            answered: grown("rpc_server_call_duration_seconds_count", at).await,
            called: grown("http_client_request_duration_seconds_count", at).await,
            worked: grown("work_duration_seconds_count", at).await,
            took: took(workshop),
        }
    }

    /// How many bookings at the gateway the series grew by.
    pub(super) fn bookings(&self) -> f64 {
        let bookings = [("job", "gateway"), ("http_route", "/bookings")];
        self.served.iter().filter(|grown| grown.labels.have(&bookings)).map(|grown| grown.least).sum()
    }

    /// The answer is right; what others scrape meanwhile does not count.
    pub(super) async fn holds(&self, question: &Question) {
        let (_, holds) = QUESTIONS
            .iter()
            .find(|(title, _)| *title == question.title)
            .unwrap_or_else(|| panic!("nothing is known of {question:?}"));
        let is_ours = |sample: &Sample| SERVICES.contains(&sample.labels.get("job"));
        let found: Vec<_> = ask_at(&question.promql, self.at).await.into_iter().filter(is_ours).collect();
        println!("{}: {} series", question.title, found.len());
        holds(self, &found);
    }

    fn all(&self) -> impl Iterator<Item = &Grown> {
        self.served.iter().chain(&self.answered)
    }

    fn holds_share(&self, found: &[Sample]) {
        let total = by(&["job"], self.all());
        let errors = by(&["job"], failed(self.all()));
        assert_eq!(found.len(), SERVICES.len(), "{found:#?}");
        for sample in found {
            let key = vec![sample.labels.get("job").to_owned()];
            let (all_least, all_most) = total[&key];
            let (least, most) = errors.get(&key).copied().unwrap_or_default();
            let share = least / all_most..=most / all_least;
            assert!(share.contains(&sample.value), "{sample:?} is not within {share:?}");
        }
        let gateway = find(found, &[("job", "gateway")]).value;
        assert!(gateway > 0.0, "the second 502 is seen");
    }

    fn holds_quantile(&self, found: &[Sample]) {
        let quantile = find(found, &PARTS).value;
        let rank = (0.95 * self.took.len() as f64) as usize;
        // Three ranks to each side: each bucket is extrapolated by itself.
        let at = |rank: usize| self.took[rank.min(self.took.len()) - 1];
        let least = BOUNDS.into_iter().rev().find(|bound| *bound < at(rank - 3)).unwrap();
        let most = BOUNDS.into_iter().find(|bound| *bound >= at(rank + 3)).unwrap();
        assert!((least..=most).contains(&quantile), "{quantile} is not in {least}..{most}: {:?}", self.took);
    }

    fn holds_mean(&self, found: &[Sample]) {
        let mean = find(found, &PARTS).value;
        let took = self.took.iter().sum::<f64>() / self.took.len() as f64;
        let parts = self.served.iter().filter(|grown| grown.labels.have(&PARTS) && grown.least > 0.0);
        let slack = parts.map(|grown| grown.most / grown.least).fold(1.0, f64::max);
        let near = took / slack..=took * slack;
        assert!(near.contains(&mean), "{mean} is not within {near:?}: {:?}", self.took);
    }
}

/// Every series of the eight, at a time.
async fn grown(metric: &str, at: f64) -> Vec<Grown> {
    let series = samples_at(&format!("{}[5m]", of_the_eight(metric, "")), at).await;
    series.into_iter().map(Grown::of).collect()
}

impl Grown {
    fn of(Series { labels, samples }: Series) -> Self {
        let ((start, first), (end, last)) = (samples[0], samples[samples.len() - 1]);
        let (least, span) = (last - first, end - start);
        // To the window's end where it is at most 1.1 intervals away, to zero likewise, else half an interval.
        let beyond = 2.0 * 1.1 * span / (samples.len() as f64 - 1.0);
        let most = if least > 0.0 { least * (span + beyond) / span } else { 0.0 };
        Self { labels, least, most }
    }
}

fn failed<'a>(grown: impl IntoIterator<Item = &'a Grown>) -> Vec<&'a Grown> {
    grown
        .into_iter()
        .filter(|grown| !grown.labels.get("error_type").is_empty() && grown.least > 0.0)
        .collect()
}

fn key(names: &[&str], labels: &Labels) -> Vec<String> {
    names.iter().map(|name| labels.get(name).to_owned()).collect()
}

/// The sums of what has these labels in common: at least, at most.
fn by<'a>(names: &[&str], grown: impl IntoIterator<Item = &'a Grown>) -> BTreeMap<Vec<String>, (f64, f64)> {
    let mut sums = BTreeMap::new();
    for Grown { labels, least, most } in grown {
        let sum: &mut (f64, f64) = sums.entry(key(names, labels)).or_default();
        *sum = (sum.0 + least, sum.1 + most);
    }
    sums
}

/// The answer has a sample for each of these groups and no other, within what `increase` may make of it.
fn grew<'a>(found: &[Sample], scale: f64, names: &[&str], grown: impl IntoIterator<Item = &'a Grown>) {
    let sums = by(names, grown);
    let found: BTreeMap<_, _> =
        found.iter().map(|sample| (key(names, &sample.labels), sample.value * scale)).collect();
    assert!(found.keys().eq(sums.keys()), "{found:#?} are not {sums:#?}");
    for (group, (least, most)) in sums {
        let within = least * 0.999..=most * 1.001;
        assert!(within.contains(&found[&group]), "{group:?}: {} is not within {within:?}", found[&group]);
    }
}

#[track_caller]
fn find<'a>(found: &'a [Sample], labels: &[(&str, &str)]) -> &'a Sample {
    let sample = found.iter().find(|sample| sample.labels.have(labels));
    sample.unwrap_or_else(|| panic!("no {labels:?} in {found:#?}"))
}

/// The gateway's lines of questions for parts, without each status' first: where its series began, Prometheus saw no growth.
fn took(workshop: &Workshop) -> Vec<f64> {
    let mut first = Vec::new();
    let mut took: Vec<f64> = workshop
        .lines()
        .iter()
        .map(|line| line.json())
        .filter(|line| line["service"] == "gateway" && line["route"] == "/parts/{part}")
        .filter_map(|line| Some((line["status"].as_u64()?, line["duration_ms"].as_f64()?)))
        .filter(|(status, _)| {
            let is_first = !first.contains(status);
            first.push(*status);
            !is_first
        })
        .map(|(_, milliseconds)| milliseconds / 1e3)
        .collect();
    took.sort_by(f64::total_cmp);
    took
}
