//! What gave out first: who was at his limit at the lowest rate, and who became slow.

use super::bounds::Bounds;
use super::figures::{self, Unit, named};
use super::machine::cores;
use super::promql::{Answer, Expr, Select};
use super::report::{QUERY, Table};
use super::step::Step;

/// Something that has an end, and how near it was in a step.
#[derive(Clone, Debug)]
struct Limit {
    what: String,
    unit: Unit,
    value: f64,
    alarm: f64,
    /// Where the figure comes from.
    query: String,
}

type ServiceAt<'a> = &'a dyn Fn(&str) -> Option<&'static str>;

/// The sentence, from the steps in any order. What was at its limit beyond the capacity counts, from the rate on at which it
/// was so in every step; the users' own limits are the capacity, and no cause.
pub(super) fn sentence(
    steps: &[Step],
    within: Option<&Step>,
    beyond: &Step,
    service_at: ServiceAt<'_>,
) -> String {
    let mut falling: Vec<&Step> = steps.iter().filter(|step| step.rate <= beyond.rate).collect();
    falling.sort_by(|one, other| other.rate.total_cmp(&one.rate));
    let limits_of: Vec<(f64, Vec<Limit>)> =
        falling.into_iter().map(|step| (step.rate, limits(step, service_at))).collect();
    let crossed = limits(beyond, service_at).into_iter().filter(Limit::is_crossed);
    let mut crossed: Vec<(f64, Limit)> = crossed
        .map(|limit| {
            let is_crossed =
                |limits: &[Limit]| limits.iter().any(|one| one.what == limit.what && one.is_crossed());
            let since = limits_of.iter().take_while(|(_, limits)| is_crossed(limits)).last();
            (since.map_or(beyond.rate, |(rate, _)| *rate), limit)
        })
        .collect();
    crossed.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    let who = who_uses_the_cpu(beyond);
    let Some(((since, first), others)) = crossed.split_first() else {
        let slower = within.and_then(|within| slower(within, beyond));
        let slower = slower.unwrap_or("and no service became slower than it was".to_owned());
        return format!("Nothing that is measured was at its limit, {slower}. {who}");
    };
    let others: Vec<String> =
        others.iter().map(|(since, limit)| format!("{}, from {since:.0}/s on", limit.text())).collect();
    let others = if others.is_empty() { String::new() } else { format!(" Then: {}.", others.join("; ")) };
    format!("Gave out first, from {since:.0}/s on: {}.{others} {who}", first.text())
}

/// What was near its end, and where the time went, at the capacity and beyond it.
pub(super) fn tables(within: Option<&Step>, beyond: &Step, service_at: ServiceAt<'_>) -> Vec<Table> {
    let before = within.map(|step| limits(step, service_at)).unwrap_or_default();
    let cell = |limit: Option<&Limit>| limit.map_or("–".to_owned(), |limit| limit.unit.text(limit.value));
    let limits = limits(beyond, service_at).into_iter().map(|limit| {
        let earlier = before.iter().find(|earlier| earlier.what == limit.what);
        let bound = format!("> {}", limit.unit.text(limit.alarm));
        vec![limit.what.clone(), cell(earlier), cell(Some(&limit)), bound, limit.query.clone()]
    });
    let limits = Table {
        title: "What was near its end".to_owned(),
        head: vec!["what", "at the capacity", "beyond it", "bound", QUERY],
        rows: limits.collect(),
    };
    vec![limits, times(within, beyond, service_at)]
}

/// Where the time went: 95th percentiles of services, of the calls between them and of their queries, and what a request
/// costs in a service itself.
fn times(within: Option<&Step>, beyond: &Step, service_at: ServiceAt<'_>) -> Table {
    let mut rows = Vec::new();
    let mut add = |what: &str, of: String, before: Option<f64>, after: f64, query: String| {
        let before = before.map_or("–".to_owned(), |value| Unit::Seconds.text(value));
        rows.push(vec![what.to_owned(), of, before, Unit::Seconds.text(after), format!("`{query}`")]);
    };
    let seconds = beyond.watched.window.seconds();
    for (what, expr) in [
        ("p95 served", figures::served(0.95)),
        ("p95 called", figures::called(0.95)),
        ("p95 of queries", figures::queried(0.95)),
        ("p95 of sends", sent(0.95)),
    ] {
        let before = within.map(|step| expr.answer(&step.watched.window)).unwrap_or_default();
        for (labels, value) in expr.answer(&beyond.watched.window) {
            let earlier = before.iter().find(|(of, _)| *of == labels).map(|(_, value)| *value);
            add(what, named(&labels, service_at), earlier, value, expr.text(seconds));
        }
    }
    let (before, after) = (within.map(own).unwrap_or_default(), own(beyond));
    for (service, value) in after {
        let earlier = before.iter().find(|(of, _)| *of == service).map(|(_, value)| *value);
        add("mean in the service itself", service, earlier, value, own_text(seconds));
    }
    let head = vec!["time", "of", "at the capacity", "beyond it", QUERY];
    Table { title: "Where the time went".to_owned(), head, rows }
}

impl Limit {
    fn is_crossed(&self) -> bool {
        self.value > self.alarm
    }

    fn text(&self) -> String {
        format!("{} was {} (bound {})", self.what, self.unit.text(self.value), self.unit.text(self.alarm))
    }
}

/// What a limit is called, how it is written, whose bounds it has, and how it is asked for.
type Question = (&'static str, Unit, &'static str, Expr);

/// The CPU that a service may use.
fn of_quotas() -> [Question; 2] {
    let throttled = share("container_cpu_throttled_periods_total", "container_cpu_periods_total");
    let limited = of_limit("container_cpu_time_seconds_total", "container_cpu_limit");
    [
        ("the throttled share of", Unit::Share, "CpuThrottled", throttled),
        ("the CPU, of its limit, of", Unit::Share, "CpuSaturated", limited),
    ]
}

/// What suffers as well where there is too little CPU.
fn of_others() -> [Question; 5] {
    let workers = of_limit("tokio_workers_busy_seconds_total", "tokio_workers");
    [
        ("the used share of the pool of", Unit::Share, "PoolNearlyUsedUp", figures::pool()),
        ("what waits for the pool of", Unit::Count, "PoolWaiting", figures::waiting()),
        ("the 95th percentile of the queries of", Unit::Seconds, "DatabaseSlow", figures::queried(0.95)),
        ("the queue of", Unit::Count, "QueueGrowing", queues()),
        ("the workers, busy, of", Unit::Share, "CpuSaturated", workers),
    ]
}

/// The causes before what follows from them.
fn limits(step: &Step, service_at: ServiceAt<'_>) -> Vec<Limit> {
    let alarm = |alert| Bounds::of(alert).and_then(|bounds| bounds.alarm());
    let window = &step.watched.window;
    let of = |(what, unit, alert, expr): Question| -> Vec<Limit> {
        let Some(alarm) = alarm(alert) else { return Vec::new() };
        let query = format!("`{}`", expr.text(window.seconds()));
        let limit = |(labels, value)| Limit {
            what: format!("{what} {}", named(&labels, service_at)),
            unit,
            value,
            alarm,
            query: query.clone(),
        };
        expr.answer(window).into_iter().map(limit).collect()
    };
    let machine = step.watched.machine.zip(alarm("CpuSaturated")).map(|(used, alarm)| Limit {
        what: format!("the machine's CPU ({} cores)", cores()),
        unit: Unit::Share,
        value: used.busy,
        alarm,
        query: "`/proc/stat` of the machine".to_owned(),
    });
    let breakers = open_breakers();
    let breakers = breakers.answer(window).into_iter().map(|(labels, value)| Limit {
        what: format!("the breaker of {}", named(&labels, service_at)),
        unit: Unit::Count,
        value,
        alarm: 0.0,
        query: format!("`{}`", breakers.text(window.seconds())),
    });
    let (quotas, others) = (of_quotas().into_iter().flat_map(of), of_others().into_iter().flat_map(of));
    quotas.chain(machine).chain(others).chain(breakers).collect()
}

fn share(of: &'static str, all: &'static str) -> Expr {
    let rate = |name| Expr::sum(&["job"], Expr::Rate(Select(name, Vec::new())));
    rate(of).over(rate(all))
}

fn of_limit(used: &'static str, limit: &'static str) -> Expr {
    let limit = Expr::max(&["job"], Expr::Highest(Select(limit, Vec::new())));
    Expr::sum(&["job"], Expr::Rate(Select(used, Vec::new()))).over(limit)
}

fn queues() -> Expr {
    Expr::max(&["job", "queue"], Expr::Highest(Select("queue_depth", Vec::new())))
}

fn open_breakers() -> Expr {
    let open = Select("breaker_state", vec![("state", true, "open")]);
    Expr::max(&["job", "breaker"], Expr::Highest(open))
}

/// The services' cores, the greediest first, those of the load itself, and those of whatever else the machine does.
fn who_uses_the_cpu(step: &Step) -> String {
    let cpu = Expr::sum(&["job"], Expr::Rate(Select("process_cpu_seconds_total", Vec::new())));
    let mut users = cpu.answer(&step.watched.window);
    users.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    let services: f64 = users.iter().map(|(_, cores)| cores).sum();
    let mut users: Vec<String> = users
        .iter()
        .map(|(labels, value)| format!("{} {value:.2}", labels.get("job").map_or("", String::as_str)))
        .collect();
    let mut others = 0.0;
    if let Some(used) = step.watched.machine {
        others = (used.busy * cores() - services - used.own).max(0.0);
        users.push(format!("the load itself {:.2}", used.own));
        users.push(format!("others {others:.2}"));
    }
    let text = format!("Cores in use at {:.0}/s: {}.", step.rate, users.join(", "));
    if others > cores() / 10.0 { text + " What others use was not there for the services." } else { text }
}

/// A percentile of how long it takes to give a message to a queue.
fn sent(share: f64) -> Expr {
    let of = Select("messaging_client_operation_duration_seconds_bucket", Vec::new());
    Expr::quantile(share, Expr::sum(&["job", "messaging_destination_name", "le"], Expr::Rate(of)))
}

/// The time of a request that a service spends waiting for others.
const ELSEWHERE: [&str; 3] = [
    "http_client_request_duration_seconds_sum",
    "db_client_operation_duration_seconds_sum",
    "messaging_client_operation_duration_seconds_sum",
];

/// The question that [`own`] answers.
fn own_text(seconds: u32) -> String {
    let rate = |name| Expr::sum(&["job"], Expr::Rate(Select(name, Vec::new()))).text(seconds);
    let served = rate("http_server_request_duration_seconds_sum");
    let elsewhere = ELSEWHERE.map(|name| format!(" - ({} or 0 * {served})", rate(name))).concat();
    format!("({served}{elsewhere}) / ({} > 0)", rate("http_server_request_duration_seconds_count"))
}

/// Seconds of a request in each service itself, on the average: without its calls, queries and messages.
fn own(step: &Step) -> Vec<(String, f64)> {
    let rate = |name| Expr::sum(&["job"], Expr::Rate(Select(name, Vec::new()))).answer(&step.watched.window);
    let count = rate("http_server_request_duration_seconds_count");
    let elsewhere = ELSEWHERE.map(rate);
    let own = rate("http_server_request_duration_seconds_sum").into_iter().filter_map(|(labels, seconds)| {
        let of =
            |answer: &Answer| answer.iter().find(|(of, _)| *of == labels).map_or(0.0, |(_, value)| *value);
        let elsewhere: f64 = elsewhere.iter().map(of).sum();
        let count = of(&count);
        (count > 0.0).then(|| Some((labels.get("job")?.clone(), (seconds - elsewhere).max(0.0) / count)))?
    });
    own.collect()
}

/// The service whose own time grew most.
fn slower(within: &Step, beyond: &Step) -> Option<String> {
    let before = own(within);
    let grew = own(beyond).into_iter().filter_map(|(service, after)| {
        let (_, before) = before.iter().find(|(of, _)| *of == service)?;
        (after > *before).then_some((service, *before, after))
    });
    let (service, before, after) =
        grew.max_by(|one, other| (one.2 - one.1).total_cmp(&(other.2 - other.1)))?;
    let (before, after) = (Unit::Seconds.text(before), Unit::Seconds.text(after));
    Some(format!(
        "but {service} became slower by itself: {before} a request at the capacity, {after} beyond it"
    ))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::machine::Used;
    use super::super::tally::Tally;
    use super::super::watch::Watched;
    use super::super::window::{Page, Window};
    use super::*;

    /// A step of ten seconds in which all requests took so long.
    fn step(rate: f64, ms: u64, busy: f64, end: &str) -> Step {
        let mut tally = Tally::default();
        tally.add(Duration::ZERO, Duration::ZERO, Duration::from_millis(ms), None);
        let begin = "process_cpu_seconds_total 1\nhttp_server_request_duration_seconds_sum 0\n";
        let pages = [Page::new("customers", 100.0, begin, false), Page::new("customers", 110.0, end, false)];
        let machine = Some(Used { busy, own: 0.25 });
        Step { rate, tally, watched: Watched { window: Window::of(&pages), machine, unread: 0 } }
    }

    fn served(seconds: f64, count: u64, more: &str) -> String {
        let of = "http_server_request_duration_seconds";
        format!("process_cpu_seconds_total 6\n{of}_sum {seconds}\n{of}_count {count}\n{more}")
    }

    #[test]
    fn the_limit_that_was_crossed_from_the_lowest_rate_on_is_named_with_its_figure() {
        let queue = |depth| served(1.0, 100, &format!("queue_depth{{queue=\"customers\"}} {depth}\n"));
        // At the first step the queue was long by chance.
        let steps = [
            step(200.0, 300, 0.95, &queue(900)),
            step(10.0, 5, 0.4, &queue(500)),
            step(50.0, 5, 0.4, &queue(7)),
            step(100.0, 8, 0.7, &queue(170)),
        ];
        let told = sentence(&steps, Some(&steps[3]), &steps[0], &|_| None);
        let first = "Gave out first, from 100/s on: the queue of customers customers was 900 (bound 100). \
                     Then: the machine's CPU (";
        assert!(told.starts_with(first), "{told}");
        assert!(
            told.contains(
                "cores) was 95.00 % (bound 90.00 %), from 200/s on. Cores in use at 200/s: customers 0.50, "
            ),
            "{told}"
        );
        let tables = tables(Some(&steps[3]), &steps[0], &|_| None);
        let queue = tables[0].rows.iter().find(|row| row[0].contains("queue")).unwrap();
        assert_eq!(queue[1..4], ["170", "900", "> 100"]);
        assert_eq!(queue[4], "`max by (job, queue) (max_over_time(queue_depth[10s]))`");
    }

    #[test]
    fn causes_come_before_what_follows_from_them() {
        let end = served(1.0, 100, "queue_depth{queue=\"customers\"} 900\n");
        let steps = [step(200.0, 300, 0.95, &end)];
        let told = sentence(&steps, None, &steps[0], &|_| None);
        assert!(told.starts_with("Gave out first, from 200/s on: the machine's CPU ("), "{told}");
        assert!(told.contains("Then: the queue of customers customers was 900"), "{told}");
    }

    #[test]
    fn where_nothing_is_at_its_limit_whoever_became_slower_is_named() {
        let steps =
            [step(50.0, 5, 0.3, &served(1.0, 100, "")), step(100.0, 300, 0.3, &served(30.0, 100, ""))];
        let told = sentence(&steps, Some(&steps[0]), &steps[1], &|_| None);
        assert!(
            told.contains(
                "but customers became slower by itself: 10.0 ms a request at the capacity, 300.0 ms"
            ),
            "{told}"
        );
        assert_eq!((steps[0].is_within(), steps[1].is_within()), (true, false));
    }
}
