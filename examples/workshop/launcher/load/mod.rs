//! `--load`: a load on the workshop, and the table that on-call would fill in about it.
//!
//! ```text
//! options ─► drive: users, in an open or a closed loop ─► tally ─┐
//!            watch: each service's /metrics ─► window ─► promql ─┼─► figures ─► report
//!            the guide's table ─────────────────────────► bounds ┘
//! ```
//!
//! No load library: those for Rust have users in a closed loop, and measure from when a request was sent; what is left to do
//! without them is a clock and a task for each request.

mod bounds;
mod caller;
mod drive;
mod figures;
mod find;
mod gave_out;
mod machine;
mod options;
mod plot;
mod plots;
mod promql;
mod report;
mod schedule;
mod search;
mod step;
mod tally;
mod watch;
mod window;

use std::time::Duration;

use tokio::sync::watch::Sender;

pub(crate) use self::options::Options;

use self::caller::{Ask, Caller, MAY_TAKE};
use self::drive::Stop;
use self::options::{Name, ROUNDS, USERS};
use self::report::Report;
use self::schedule::Schedule;
use self::tally::Tally;
use self::watch::{Watch, Watched};
use super::children::Workshop;
use super::environment::Environment;
use super::evidence::{now, time_of_day};
use super::output::Output;
use crate::plumbing::BoxError;
use crate::screen::{show, without_reader};

const VEHICLES: &str = "/vehicles/{plate}";
const CUSTOMERS: &str = "/customers";

/// What each load has.
struct Run<'a> {
    options: &'a Options,
    workshop: &'a Workshop,
    caller: Caller,
    watch: Watch,
    stop: Stop,
    /// Microseconds since 1970.
    begun: i64,
}

/// Starts the eight, has them used, and reports; until ctrl-c at the latest, of which the report tells.
pub(crate) async fn load(options: Options) -> Result<(), BoxError> {
    let (ask, asked) = tokio::sync::watch::channel(false);
    tokio::spawn(end_asked(ask));
    let report = Workshop::run(Environment::Exporters, Output::Unread, async |workshop| {
        show!(
            "The eight are running; {} begins. Ctrl-C ends it with the table of what was.",
            options.name.text()
        );
        for (name, addresses) in workshop.addresses() {
            show!("  {name:13} {}/metrics", addresses.admin);
        }
        let run = Run {
            options: &options,
            workshop,
            caller: Caller::new(workshop.gateway("")),
            watch: Watch::of(workshop),
            stop: Stop::new(asked),
            begun: now(),
        };
        let report = match options.name {
            Name::Normal => run.normal().await,
            Name::High => run.high().await,
            Name::Find => find::find(&run).await,
        };
        // The worker still has messages; whoever ends before him loses what he has to say of them.
        run.watch.rested().await;
        Ok(report)
    })
    .await?;
    report.show();
    report.write(&options.out)
}

async fn end_asked(ask: Sender<bool>) {
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = without_reader() => {}
    }
    ask.send_replace(true);
}

impl Run<'_> {
    async fn normal(&self) -> Report {
        let Options { rate, seconds, .. } = *self.options;
        let schedule = Schedule::new(f64::from(rate), f64::from(seconds));
        let (tally, watched) =
            self.watch.during(drive::open(&self.caller, schedule, self.stop.clone(), Ask::vehicle)).await;
        let stated = vec![
            ("users", "an open loop: requests are sent on time, whatever became of those before".to_owned()),
            ("rate", format!("{rate}/s")),
            ("duration", format!("{seconds} s; it took {:.1} s", tally.elapsed())),
            ("endpoint", format!("GET {VEHICLES}, fifty plates in turn")),
        ];
        self.report(VEHICLES, stated, &tally, &watched)
    }

    async fn high(&self) -> Report {
        let most = Duration::from_secs(self.options.seconds.into());
        let round = |number| vec![Ask::new_customer(number), Ask::customers()];
        let (tally, watched) =
            self.watch.during(drive::closed(&self.caller, USERS, ROUNDS, most, &self.stop, round)).await;
        let stated = vec![
            (
                "users",
                format!(
                    "{USERS}, each in a closed loop: who waits does not ask, so that a slow service gets less load"
                ),
            ),
            ("rate", format!("without a pause: {ROUNDS} rounds each")),
            ("duration", format!("at most {} s; it took {:.1} s", self.options.seconds, tally.elapsed())),
            ("endpoint", format!("POST and GET {CUSTOMERS} in each round")),
        ];
        self.report(CUSTOMERS, stated, &tally, &watched)
    }

    fn report(
        &self,
        route: &'static str,
        stated: Vec<(&'static str, String)>,
        tally: &Tally,
        watched: &Watched,
    ) -> Report {
        let service_at = |port: &str| self.service_at(port);
        let mut found = Vec::new();
        if self.stop.is_asked() {
            found.push(format!("It was ended after {:.1} s.", tally.elapsed()));
        }
        if tally.unsent() > 0 {
            found.push("It was ended because a thousand requests were under way at once.".to_owned());
        }
        if let Some(used) = watched.machine {
            let (busy, cores) = (figures::Unit::Share.text(used.busy), machine::cores());
            found.push(format!(
                "The machine's {cores} cores were {busy} busy, {:.2} of them with the load itself.",
                used.own
            ));
        }
        Report {
            title: format!("Load: {}", self.options.name.text()),
            stated: self.stated(stated, Some(watched)),
            found,
            tables: Vec::new(),
            figures_of: "Figures".to_owned(),
            figures: figures::figures(tally, &watched.window, route, &service_at),
            plots: plots::over_time(tally, &watched.window),
        }
    }

    /// What every load states, around its own.
    fn stated(
        &self,
        own: Vec<(&'static str, String)>,
        watched: Option<&Watched>,
    ) -> Vec<(&'static str, String)> {
        let (how, build) = match cfg!(debug_assertions) {
            true => ("", "debug: several times as slow as a release build"),
            false => ("--release ", "release"),
        };
        let command = format!("cargo run {how}-p workshop --example workshop -- {}", self.options.typed);
        let mut stated = vec![("command", command), ("build", build.to_owned())];
        stated.extend(own);
        stated.push(("a user gives up", format!("after {} s (`timeout`)", MAY_TAKE.as_secs())));
        stated.push(("begun", format!("{} UTC", &time_of_day(self.begun)[..8])));
        stated.push(("machine", format!("{} cores, for the eight services and the load", machine::cores())));
        if let Some(Watched { window, unread, .. }) = watched {
            let (from, to) = window.span();
            stated.push((
                "queries",
                format!("of the window from {from:.3} to {to:.3} (seconds since 1970): each service's /metrics, read each second"),
            ));
            if *unread > 0 {
                stated.push((
                    "not read",
                    format!("{unread} pages: their services did not answer within two seconds"),
                ));
            }
        }
        stated
    }

    /// Who listens at this port.
    fn service_at(&self, port: &str) -> Option<&'static str> {
        let port = format!(":{port}");
        let mut found = self.workshop.addresses().filter(|(_, addresses)| addresses.url.ends_with(&port));
        found.next().map(|(name, _)| name)
    }
}
