//! The figures of a load: what each is of, its question in PromQL, and the alert whose bounds judge it.

use super::bounds::{Bounds, Verdict};
use super::promql::{Expr, Select};
use super::tally::Tally;
use super::window::{Labels, Window};

/// A line of the table.
#[derive(Debug)]
pub(super) struct Figure {
    pub(super) what: String,
    /// A service, and what of it.
    pub(super) of: String,
    pub(super) value: String,
    pub(super) bounds: String,
    pub(super) verdict: Option<Verdict>,
    /// Where it comes from: PromQL, or the users' own count.
    pub(super) source: Source,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Source {
    Query(String),
    Users(&'static str),
}

/// How a number is written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Unit {
    Count,
    PerSecond,
    Seconds,
    Share,
    Cores,
}

/// What is asked of the services.
struct Question {
    what: &'static str,
    unit: Unit,
    alert: &'static str,
    expr: Expr,
    /// What is said where there is no answer.
    none: &'static str,
}

const SERVED: &str = "http_server_request_duration_seconds_count";
const SERVED_BUCKETS: &str = "http_server_request_duration_seconds_bucket";
const CALLED_BUCKETS: &str = "http_client_request_duration_seconds_bucket";
const QUERIED_BUCKETS: &str = "db_client_operation_duration_seconds_bucket";
const POOL: &[&str] = &["job", "db_client_connection_pool_name"];

impl Unit {
    pub(super) fn text(self, value: f64) -> String {
        match self {
            Self::Count => format!("{value:.0}"),
            Self::PerSecond => format!("{value:.1}/s"),
            Self::Seconds => format!("{:.1} ms", value * 1e3),
            Self::Share => format!("{:.2} %", value * 1e2),
            Self::Cores => format!("{value:.3} cores"),
        }
    }
}

/// All figures of a load on this route of the gateway. `service_at` knows who listens at a port.
pub(super) fn figures(
    tally: &Tally,
    window: &Window,
    route: &'static str,
    service_at: &dyn Fn(&str) -> Option<&'static str>,
) -> Vec<Figure> {
    let mut figures = of_users(tally);
    let questions = of_route(route).into_iter().chain(of_services(window)).chain(of_what_they_need());
    for question in questions {
        figures.extend(question.figures(window, service_at));
    }
    figures
}

/// The worst verdict of all.
pub(super) fn verdict(figures: &[Figure]) -> Verdict {
    figures.iter().filter_map(|figure| figure.verdict).max().unwrap_or(Verdict::Healthy)
}

fn of_users(tally: &Tally) -> Vec<Figure> {
    let figure = |what: &str, of: &str, unit: Unit, value: Option<f64>, alert: &str, how| {
        let bounds = Bounds::of(alert);
        Figure {
            what: what.to_owned(),
            of: of.to_owned(),
            value: value.map_or("–".to_owned(), |value| unit.text(value)),
            verdict: value.and_then(|value| bounds.as_ref().map(|bounds| bounds.judge(value))),
            bounds: bounds.map(|bounds| bounds.text()).unwrap_or_default(),
            source: Source::Users(how),
        }
    };
    let latency = "from when it was due to the last byte of the answer";
    let mut figures = vec![
        figure("requests", "users", Unit::Count, Some(tally.sent() as f64), "", "sent"),
        figure(
            "RPS",
            "users",
            Unit::PerSecond,
            Some(tally.rate()),
            "",
            "good answers in the time of the load",
        ),
        figure("p50", "users", Unit::Seconds, tally.latency(0.5), "", latency),
        figure("p95", "users", Unit::Seconds, tally.latency(0.95), "RequestsSlow", latency),
        figure("p99", "users", Unit::Seconds, tally.latency(0.99), "", latency),
        figure(
            "sent late, p95",
            "users",
            Unit::Seconds,
            tally.lateness(0.95),
            "",
            "from when it was due to when it left",
        ),
        figure(
            "errors",
            "users",
            Unit::Share,
            Some(tally.error_ratio()),
            "RequestErrors",
            "failed of all that were due",
        ),
    ];
    for (class, count) in tally.classes() {
        let share = Some(tally.share(count));
        figures.push(figure(
            "errors of class",
            &class,
            Unit::Share,
            share,
            "",
            "failed so of all that were due",
        ));
    }
    figures
}

/// What the gateway says of the route.
fn of_route(route: &'static str) -> Vec<Question> {
    let of = |more: &[(&'static str, bool, &'static str)]| {
        [&[("job", true, "gateway"), ("http_route", true, route)], more].concat()
    };
    let rate = |more: &[_]| Expr::Rate(Select(SERVED, of(more)));
    let failed = [("error_type", false, ""), ("error_type", false, "cancelled")];
    let question = |what, unit, alert, expr| Question { what, unit, alert, expr, none: "none" };
    let quantile =
        |share| Expr::quantile(share, Expr::sum(&["job", "le"], Expr::Rate(Select(SERVED_BUCKETS, of(&[])))));
    vec![
        question("requests", Unit::Count, "", Expr::sum(&["job"], Expr::Increase(Select(SERVED, of(&[]))))),
        question("RPS", Unit::PerSecond, "", Expr::sum(&["job"], rate(&[]))),
        question("p50", Unit::Seconds, "", quantile(0.5)),
        question("p95", Unit::Seconds, "RequestsSlow", quantile(0.95)),
        question("p99", Unit::Seconds, "", quantile(0.99)),
        question(
            "errors",
            Unit::Share,
            "RequestErrors",
            Expr::sum(&["job"], rate(&failed)).over(Expr::sum(&["job"], rate(&[]))),
        ),
        question(
            "errors of class",
            Unit::Share,
            "",
            Expr::sum(&["error_type"], rate(&failed[..1])).share_of(Expr::sum(&[], rate(&[]))),
        ),
    ]
}

/// What each service says of itself.
fn of_services(window: &Window) -> Vec<Question> {
    let rate = |name, more: Vec<_>| Expr::sum(&["job"], Expr::Rate(Select(name, more)));
    let highest = |name| Expr::max(&["job"], Expr::Highest(Select(name, Vec::new())));
    let limited = rate("container_cpu_time_seconds_total", Vec::new()).over(highest("container_cpu_limit"));
    let workers = rate("tokio_workers_busy_seconds_total", Vec::new()).over(highest("tokio_workers"));
    let is_limited = limited.value(window).is_some();
    let throttled = rate("container_cpu_throttled_periods_total", Vec::new());
    vec![
        Question {
            what: "CPU",
            unit: Unit::Cores,
            alert: "",
            expr: rate("process_cpu_seconds_total", Vec::new()),
            none: "not known",
        },
        Question {
            what: if is_limited { "CPU of the limit" } else { "workers busy" },
            unit: Unit::Share,
            alert: "CpuSaturated",
            expr: if is_limited { limited } else { workers },
            none: "not known",
        },
        Question {
            what: "throttled",
            unit: Unit::Share,
            alert: "CpuThrottled",
            expr: throttled.over(rate("container_cpu_periods_total", Vec::new())),
            none: "not limited here",
        },
        Question {
            what: "p95 served",
            unit: Unit::Seconds,
            alert: "RequestsSlow",
            expr: served(0.95),
            none: "nothing",
        },
        Question {
            what: "p95 called",
            unit: Unit::Seconds,
            alert: "DependencySlow",
            expr: called(0.95),
            none: "nobody",
        },
    ]
}

/// Databases, pools, queues.
fn of_what_they_need() -> Vec<Question> {
    let highest = |name, more| Expr::Highest(Select(name, more));
    let is_real = std::env::var("DATABASE_URL").is_ok_and(|url| !url.is_empty());
    let none = if is_real { "none" } else { "embedded, no pool" };
    vec![
        Question {
            what: "database p50",
            unit: Unit::Seconds,
            alert: "",
            expr: queried(0.5),
            none: "no query",
        },
        Question {
            what: "database p95",
            unit: Unit::Seconds,
            alert: "DatabaseSlow",
            expr: queried(0.95),
            none: "no query",
        },
        Question { what: "pool used", unit: Unit::Share, alert: "PoolNearlyUsedUp", expr: pool(), none },
        Question { what: "pool waiting", unit: Unit::Count, alert: "PoolWaiting", expr: waiting(), none },
        Question {
            what: "queue, highest",
            unit: Unit::Count,
            alert: "QueueGrowing",
            expr: Expr::max(&["job", "queue"], highest("queue_depth", Vec::new())),
            none: "no queue",
        },
    ]
}

/// How many requests the gateway counted on a route.
pub(super) fn counted(window: &Window, route: &'static str) -> Option<f64> {
    let of = vec![("job", true, "gateway"), ("http_route", true, route)];
    Expr::sum(&["job"], Expr::Increase(Select(SERVED, of))).value(window)
}

/// A percentile of what each service answers.
pub(super) fn served(share: f64) -> Expr {
    Expr::quantile(share, Expr::sum(&["job", "le"], Expr::Rate(Select(SERVED_BUCKETS, Vec::new()))))
}

/// A percentile of the calls from one service to another.
pub(super) fn called(share: f64) -> Expr {
    Expr::quantile(
        share,
        Expr::sum(&["job", "server_port", "le"], Expr::Rate(Select(CALLED_BUCKETS, Vec::new()))),
    )
}

/// A percentile of each service's queries.
pub(super) fn queried(share: f64) -> Expr {
    let of = Expr::sum(&["job", "db_system_name", "le"], Expr::Rate(Select(QUERIED_BUCKETS, Vec::new())));
    Expr::quantile(share, of)
}

/// How much of a pool was in use at most.
pub(super) fn pool() -> Expr {
    let used = Select("db_client_connection_count", vec![("db_client_connection_state", true, "used")]);
    let most = Select("db_client_connection_max", Vec::new());
    Expr::sum(POOL, Expr::Highest(used)).over(Expr::max(POOL, Expr::Highest(most)))
}

/// How many waited for a connection at most.
pub(super) fn waiting() -> Expr {
    Expr::max(POOL, Expr::Highest(Select("db_client_connection_pending_requests", Vec::new())))
}

/// `customers → worker`, `worker bookings`; what is not known by name is left as it is.
pub(super) fn named(labels: &Labels, service_at: &dyn Fn(&str) -> Option<&'static str>) -> String {
    let others =
        labels.iter().filter(|(label, _)| *label != "job").map(|(label, text)| match label.as_str() {
            "server_port" => format!("→ {}", service_at(text).unwrap_or(text)),
            _ => text.clone(),
        });
    labels.get("job").cloned().into_iter().chain(others).collect::<Vec<_>>().join(" ")
}

impl Question {
    fn figures(&self, window: &Window, service_at: &dyn Fn(&str) -> Option<&'static str>) -> Vec<Figure> {
        let bounds = Bounds::of(self.alert);
        let figure = |of: String, value: String, verdict| Figure {
            what: self.what.to_owned(),
            of,
            value,
            bounds: bounds.as_ref().map(Bounds::text).unwrap_or_default(),
            verdict,
            source: Source::Query(self.expr.text(window.seconds())),
        };
        let mut answer = self.expr.answer(window);
        // A class of errors is on the page before there is one.
        answer.retain(|(labels, value)| *value > 0.0 || !labels.contains_key("error_type"));
        if answer.is_empty() {
            return vec![figure(String::new(), self.none.to_owned(), None)];
        }
        let of = |(labels, value): (Labels, f64)| {
            let verdict = bounds.as_ref().map(|bounds| bounds.judge(value));
            figure(named(&labels, service_at), self.unit.text(value), verdict)
        };
        answer.into_iter().map(of).collect()
    }
}
