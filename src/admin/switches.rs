//! What an operator changes while the process runs: read, changed for a while, and back again by itself.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

/// How long a change holds that does not say so, so that a forgotten `debug` does not stay.
pub(super) const HOLDS: Duration = Duration::from_secs(15 * 60);
const LONGEST: Duration = Duration::from_secs(24 * 3_600);

/// Makes a change that was found to be right.
pub(crate) type Change = Box<dyn FnOnce() + Send>;

/// Reads a value; the error says what would be right.
type ReadChange = dyn Fn(Option<&str>) -> Result<Change, String> + Send + Sync;

/// One thing that can be changed.
pub(crate) struct Switch {
    pub(crate) name: &'static str,
    /// What it does, and which values it takes.
    pub(crate) about: &'static str,
    /// What is in force unless it is turned.
    pub(crate) configured: String,
    /// Reads a value and says how to change to it; `None` is what was configured.
    pub(crate) change: Box<ReadChange>,
}

/// All of them. A clone is a handle to the same.
#[derive(Clone)]
pub(crate) struct Switches(Arc<State>);

struct State {
    switches: Vec<Switch>,
    /// Says what was changed, and by whom.
    tell: Box<dyn Fn(&str) + Send + Sync>,
    turned: Mutex<Turned>,
    /// A change may end before the one that is waited for.
    is_changed: Notify,
}

#[derive(Default)]
struct Turned {
    /// The value of each that is turned, and when it goes back.
    values: Vec<(&'static str, String, Instant)>,
    /// One task waits for all of them, however many changes come.
    is_waited_for: bool,
}

/// What a request asks for.
#[derive(Debug, PartialEq)]
pub(super) struct Wish {
    /// Name and value; an empty value is what was configured.
    pub(super) values: Vec<(String, String)>,
    pub(super) holds: Duration,
}

impl Wish {
    /// Reads a form's body, `log_level=info,my_crate=debug&for=10m`, as programs write it: a blank is `+` there.
    pub(super) fn read(body: &str) -> Result<Self, String> {
        let mut wish = Self { values: Vec::new(), holds: HOLDS };
        for pair in body.trim().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').ok_or_else(|| format!("name=value, not `{pair}`"))?;
            let value = decoded(value).ok_or_else(|| format!("UTF-8 in the value of `{name}`"))?;
            let name = decoded(name).ok_or_else(|| format!("UTF-8 in the name `{name}`"))?;
            match name.trim() {
                "for" => wish.holds = duration(value.trim())?,
                name => wish.values.push((name.to_owned(), value.trim().to_owned())),
            }
        }
        if wish.values.is_empty() {
            return Err("name=value, such as log_level=debug&for=10m".to_owned());
        }
        Ok(wish)
    }
}

/// A name or a value of a form.
fn decoded(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().ok().map(Cow::into_owned)
}

/// A number with its unit: seconds, minutes or hours.
fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("in `for` a time from 1s to 24h, such as 90s, 10m or 2h, not `{text}`");
    let unit = match text.chars().last() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3_600,
        _ => return Err(wrong()),
    };
    let number: u64 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    let seconds = number.saturating_mul(unit);
    let is_fine = (1..=LONGEST.as_secs()).contains(&seconds);
    is_fine.then(|| Duration::from_secs(seconds)).ok_or_else(wrong)
}

impl Switches {
    pub(crate) fn new(switches: Vec<Switch>, tell: impl Fn(&str) + Send + Sync + 'static) -> Self {
        let (tell, turned, is_changed) = (Box::new(tell), Mutex::default(), Notify::new());
        Self(Arc::new(State { switches, tell, turned, is_changed }))
    }

    /// The value in force; empty if there is no such switch.
    pub(super) fn now(&self, name: &str) -> String {
        let turned = self.0.turned();
        let switch = self.0.switches.iter().find(|switch| switch.name == name);
        switch.map_or_else(String::new, |switch| turned.value(switch).to_owned())
    }

    /// All of them, for a person and a program.
    pub(super) fn shown(&self) -> Value {
        let turned = self.0.turned();
        let show = |switch: &Switch| {
            let reverts = turned.end(switch.name).map(|end| end.duration_since(Instant::now()).as_secs());
            let shown = json!({
                "now": turned.value(switch), "configured": switch.configured, "reverts_in_s": reverts,
                "about": switch.about,
            });
            (switch.name.to_owned(), shown)
        };
        self.0.switches.iter().map(show).collect::<Map<_, _>>().into()
    }

    /// Makes all changes of a wish, or none. They hold until they are changed again, or for its time. Called within a
    /// runtime.
    ///
    /// # Errors
    ///
    /// A name or a value is wrong; nothing changed. The text says what would be right.
    pub(super) fn turn(&self, wish: &Wish, by: &str) -> Result<(), String> {
        let mut changes = Vec::new();
        for (name, value) in &wish.values {
            let switch = self.0.switches.iter().find(|switch| switch.name == name);
            let switch = switch.ok_or_else(|| self.0.unknown(name))?;
            let value = Some(value.as_str()).filter(|value| !value.is_empty());
            let change = (switch.change)(value).map_err(|right| format!("in `{name}` {right}"))?;
            changes.push((switch, value, change));
        }
        // Under the lock, so that a change does not meet the end of the one before.
        let mut turned = self.0.turned();
        let until = Instant::now() + wish.holds;
        for (switch, value, change) in changes {
            change();
            turned.values.retain(|(name, ..)| *name != switch.name);
            let name = switch.name;
            match value {
                Some(value) => {
                    turned.values.push((name, value.to_owned(), until));
                    let (was, holds) = (&switch.configured, wish.holds.as_secs());
                    (self.0.tell)(&format!(
                        "switch {name}: `{value}` instead of `{was}` for {holds} s, turned by {by}"
                    ));
                }
                None => (self.0.tell)(&format!("switch {name}: back at `{}`, by {by}", switch.configured)),
            }
        }
        if !turned.values.is_empty() && !turned.is_waited_for {
            turned.is_waited_for = true;
            drop(tokio::spawn(revert(Arc::clone(&self.0))));
        }
        self.0.is_changed.notify_one();
        Ok(())
    }

    /// Everything goes back to what was configured.
    pub(super) fn reset(&self, by: &str) {
        self.0.revert_those(|_| true, &format!("by {by}"));
    }
}

/// Waits until each change's time is over, and takes it back.
async fn revert(state: Arc<State>) {
    while let Some(at) = state.next_to_revert() {
        let _ = timeout_at(at, state.is_changed.notified()).await;
        let now = Instant::now();
        state.revert_those(|end| end <= now, "its time is over");
    }
}

impl State {
    fn turned(&self) -> MutexGuard<'_, Turned> {
        self.turned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unknown(&self, name: &str) -> String {
        let names: Vec<_> = self.switches.iter().map(|switch| switch.name).collect();
        format!("a switch of {}, not `{name}`", names.join(", "))
    }

    /// When the next one goes back; `None`, and nobody waits any more, once all have.
    fn next_to_revert(&self) -> Option<Instant> {
        let mut turned = self.turned();
        let next = turned.values.iter().map(|(_, _, end)| *end).min();
        turned.is_waited_for = next.is_some();
        next
    }

    fn revert_those(&self, is_over: impl Fn(Instant) -> bool, why: &str) {
        let mut turned = self.turned();
        for switch in &self.switches {
            if !turned.end(switch.name).is_some_and(&is_over) {
                continue;
            }
            // What was configured was right once.
            if let Ok(change) = (switch.change)(None) {
                change();
            }
            turned.values.retain(|(name, ..)| *name != switch.name);
            (self.tell)(&format!("switch {}: back at `{}`, {why}", switch.name, switch.configured));
        }
    }
}

impl Turned {
    fn of(&self, name: &str) -> Option<&(&'static str, String, Instant)> {
        self.values.iter().find(|(turned, ..)| *turned == name)
    }

    fn end(&self, name: &str) -> Option<Instant> {
        self.of(name).map(|(_, _, end)| *end)
    }

    fn value<'a>(&'a self, switch: &'a Switch) -> &'a str {
        self.of(switch.name).map_or(&switch.configured, |(_, value, _)| value)
    }
}

impl fmt::Debug for Switches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let now = self.0.switches.iter().map(|switch| (switch.name, self.now(switch.name)));
        f.debug_map().entries(now).finish()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// `log_level`, which is `info`, and takes what is no nonsense; with what was told.
    pub(in crate::admin) fn switches() -> (Switches, Arc<Mutex<Vec<String>>>) {
        let told = Arc::new(Mutex::new(Vec::new()));
        let switch = |name| Switch {
            name,
            about: "a test",
            configured: "info".to_owned(),
            change: Box::new(|value: Option<&str>| match value {
                Some("nonsense") => Err("a level".to_owned()),
                _ => Ok(Box::new(|| {})),
            }),
        };
        let tell = Arc::clone(&told);
        let tell = move |text: &str| tell.lock().unwrap().push(text.to_owned());
        (Switches::new(vec![switch("log_level"), switch("traces")], tell), told)
    }

    fn turn(switches: &Switches, body: &str) -> Result<(), String> {
        switches.turn(&Wish::read(body)?, "me")
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_reverts_when_its_time_is_over_and_both_are_told() {
        let (switches, told) = switches();
        turn(&switches, "log_level=debug").expect("taken");
        tokio::time::sleep(HOLDS / 2).await;
        turn(&switches, "log_level=trace&for=10m").expect("taken");
        tokio::time::sleep(Duration::from_secs(599)).await;
        assert_eq!(switches.now("log_level"), "trace");
        assert_eq!(switches.shown()["log_level"]["reverts_in_s"], 1);
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(switches.now("log_level"), "info");
        assert_eq!(switches.shown()["log_level"]["reverts_in_s"], Value::Null);
        assert_eq!(
            *told.lock().unwrap(),
            [
                "switch log_level: `debug` instead of `info` for 900 s, turned by me",
                "switch log_level: `trace` instead of `info` for 600 s, turned by me",
                "switch log_level: back at `info`, its time is over",
            ]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn many_changes_leave_one_task_and_each_reverts_in_its_own_time() {
        let (switches, _) = switches();
        let tasks = tokio::runtime::Handle::current().metrics();
        for _ in 0..2 {
            (0..30_000).for_each(|_| turn(&switches, "log_level=debug&traces=1&for=1h").expect("taken"));
            tokio::time::sleep(Duration::from_secs(1)).await;
            turn(&switches, "traces=0.5&for=5m").expect("taken");
            assert_eq!(tasks.num_alive_tasks(), 1);
            tokio::time::sleep(Duration::from_secs(301)).await;
            let now = (switches.now("log_level"), switches.now("traces"));
            assert_eq!((now.0.as_str(), now.1.as_str()), ("debug", "info"));
            tokio::time::sleep(Duration::from_secs(3_600)).await;
            assert_eq!((switches.now("log_level").as_str(), tasks.num_alive_tasks()), ("info", 0));
        }
    }

    #[test]
    fn a_form_is_read_as_programs_write_it() {
        let read = |body: &str| Wish::read(body).map(|wish| wish.values);
        let is = |name: &str, value: &str| Ok(vec![(name.to_owned(), value.to_owned())]);
        for body in [
            "log_level=info%2C+bookings%3Ddebug",
            "log_level=info,+bookings=debug",
            "log_level=info, bookings=debug",
            "log%5Flevel=info%2C%20bookings%3Ddebug&for=+10m+",
        ] {
            assert_eq!(read(body), is("log_level", "info, bookings=debug"), "{body}");
        }
        assert_eq!(read("route=/a%2Bb"), is("route", "/a+b"));
        assert!(read("%ff=1").is_err_and(|why| why.starts_with("UTF-8 in the name")));
    }

    #[tokio::test]
    async fn one_wrong_value_changes_nothing() {
        let (switches, told) = switches();
        for (body, right) in [
            ("traces=1&log_level=nonsense", "in `log_level` a level"),
            ("traces=1&loglevel=debug", "a switch of log_level, traces, not `loglevel`"),
            ("traces=1&for=2d", "in `for` a time from 1s to 24h, such as 90s, 10m or 2h, not `2d`"),
            ("traces=1&for=25h", "in `for` a time"),
            ("traces=1&for=0s", "in `for` a time"),
            ("traces=1&for=", "in `for` a time"),
            ("traces=1&for=18446744073709551615h", "in `for` a time"),
            ("traces=1&for=é", "in `for` a time"),
            ("traces=%ff", "UTF-8"),
            ("debug", "name=value"),
            ("for=10m", "name=value"),
            ("", "name=value"),
        ] {
            let why = turn(&switches, body).expect_err(body);
            assert!(why.starts_with(right), "{body}: {why}");
            assert_eq!(switches.now("traces"), "info", "{body}");
        }
        assert!(told.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn an_empty_value_and_a_reset_go_back_at_once() {
        let (switches, told) = switches();
        turn(&switches, "log_level=debug&traces=1").expect("taken");
        turn(&switches, "log_level=").expect("taken");
        assert_eq!((&*switches.now("log_level"), &*switches.now("traces")), ("info", "1"));
        switches.reset("me");
        assert_eq!(switches.now("traces"), "info");
        assert_eq!(told.lock().unwrap().last().expect("told"), "switch traces: back at `info`, by me");
    }

    proptest::proptest! {
        #[test]
        fn any_body_is_read_or_refused(body in ".*") {
            if let Ok(wish) = Wish::read(&body) {
                assert!(wish.holds <= LONGEST && !wish.values.is_empty());
            }
        }
    }
}
