//! The level: directives parsed once, asked by one atomic load, changed while the service runs.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;

use crate::variable::Refusal;

/// Which targets write from which level on: `info,hyper=warn,my_crate::db=trace`.
#[derive(Clone, Debug)]
pub(super) struct Directives {
    text: String,
    targets: Targets,
    // They name targets, none of which is ours, and no level for the others.
    leaves_us_out: bool,
}

/// The level in force, and the one to go back to.
#[derive(Debug)]
pub(super) struct Gate {
    // The highest level that any target writes, and whether all targets write the same: one load decides the
    // common case, and a line that is not wanted costs no more.
    summary: AtomicU8,
    // Unique to this state in the whole process, so that a thread's copy is never taken for another's.
    generation: AtomicU64,
    directives: RwLock<Arc<Directives>>,
    configured: Arc<Directives>,
}

const ONE_LEVEL: u8 = 0x80;

/// What the targets of this library's own lines begin with.
const OURS: &str = "tower_observability";

static GENERATION: AtomicU64 = AtomicU64::new(1);

thread_local! {
    static COPY: RefCell<(u64, Option<Arc<Directives>>)> = const { RefCell::new((0, None)) };
}

fn number(level: LevelFilter) -> u8 {
    match level.into_level() {
        None => 0,
        Some(level) => rank(level),
    }
}

fn rank(level: Level) -> u8 {
    match level {
        Level::ERROR => 1,
        Level::WARN => 2,
        Level::INFO => 3,
        Level::DEBUG => 4,
        Level::TRACE => 5,
    }
}

impl Directives {
    /// Reads directives: levels for all, or `target=level`, by commas. The later of two for one target wins.
    ///
    /// A word alone that is no level is a target that writes everything, as everywhere in this ecosystem. Where they
    /// give no level to our own lines, those of WARN and ERROR are still written: `my_crate=info` is not meant to hide
    /// that a request failed. `tower=warn` is about the crate of that name: that ours begins with it is no wish.
    pub(super) fn parse(text: &str) -> Result<Self, Refusal> {
        let parts: Vec<_> = text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
        if parts.is_empty() {
            return Err(expected(text));
        }
        let (mut targets, mut names_us, mut begins_as_we) = (Targets::new(), false, false);
        for part in &parts {
            let (target, level) = directive(part)?;
            names_us |= target == Some(OURS);
            begins_as_we |= target.is_some_and(|target| OURS.starts_with(target));
            targets = match target {
                Some(target) => targets.with_target(target, level),
                None => targets.with_default(level),
            };
        }
        let default = targets.default_level();
        if !names_us && (default.is_none() || begins_as_we) {
            targets = targets.with_target(OURS, default.unwrap_or(LevelFilter::WARN));
        }
        let leaves_us_out = default.is_none() && !names_us;
        Ok(Self { text: parts.join(","), targets, leaves_us_out })
    }

    /// What of them was most likely not meant; `None` if ERROR lines are written everywhere but where `off` stands.
    pub(super) fn suspicion(&self) -> Option<String> {
        let text = &self.text;
        let is_off_by_number = |part: &&str| {
            let level = part.rsplit('=').next().unwrap_or_default().trim();
            level.parse::<usize>() == Ok(0)
        };
        if let Some(part) = text.split(',').find(is_off_by_number) {
            return Some(format!(
                "`{part}` is `off`: no lines at all, not even ERROR; if that is meant, write `off`"
            ));
        }
        if let Some(why) = own_name().and_then(|name| self.names_package(&name)) {
            return Some(why);
        }
        if text.split(',').any(|part| part.parse::<LevelFilter>().is_ok()) {
            return None;
        }
        if let Some(word) = text.split(',').find(|part| !part.contains(['=', ':'])) {
            return Some(format!(
                "`{word}` is read as a target that writes everything, and all others nothing; \
                 the levels are off, error, warn, info, debug, trace"
            ));
        }
        let ours = "of requests, calls and work only WARN and ERROR lines are written, ";
        let ours = if self.leaves_us_out { ours } else { "" };
        Some(format!(
            "it gives no level to other targets: {ours}of other crates none; `info,{text}` writes all from INFO on"
        ))
    }

    /// Is one of the targets the name of this program's package, which none of its lines has?
    fn names_package(&self, package: &str) -> Option<String> {
        let crate_name = package.replace('-', "_");
        let is_package =
            |part: &&str| part.split(['=', ':']).next().is_some_and(|target| target.trim() == package);
        let part = self.text.split(',').find(is_package).filter(|_| crate_name != package)?;
        Some(format!("`{part}` matches no line of this program: in targets `{package}` is `{crate_name}`"))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    fn summary(&self) -> u8 {
        let default = self.targets.default_level().unwrap_or(LevelFilter::OFF);
        let highest = self.targets.iter().map(|(_, level)| level).fold(default, LevelFilter::max);
        number(highest) | if self.targets.iter().next().is_some() { 0 } else { ONE_LEVEL }
    }
}

impl Default for Directives {
    fn default() -> Self {
        Self {
            text: "info".to_owned(),
            targets: Targets::new().with_default(LevelFilter::INFO),
            leaves_us_out: false,
        }
    }
}

/// The program's file, which Cargo calls as the package.
fn own_name() -> Option<String> {
    std::env::current_exe().ok()?.file_stem()?.to_str().map(str::to_owned)
}

fn directive(part: &str) -> Result<(Option<&str>, LevelFilter), Refusal> {
    if part.contains(['[', ']', '{', '}']) {
        return Err(Refusal::Expected(format!(
            "levels by target, as `info,my_crate=debug`; conditions on spans and fields (`{part}`) are not served"
        )));
    }
    match part.split_once('=') {
        Some((target, level)) => {
            let (target, level) = (target.trim(), level.trim());
            if !is_target(target) || level.is_empty() {
                return Err(expected(part));
            }
            Ok((Some(target), level.parse().map_err(|_| expected(part))?))
        }
        None => match part.parse() {
            Ok(level) => Ok((None, level)),
            Err(_) if !is_target(part) => Err(expected(part)),
            Err(_) => Ok((Some(part), LevelFilter::TRACE)),
        },
    }
}

/// May a target be called so? What separates directives elsewhere is in no name: `info;app=debug` is a mistake.
fn is_target(name: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || "_-./@".contains(c);
    name.split("::").all(|part| !part.is_empty() && part.chars().all(is_part))
}

fn expected(part: &str) -> Refusal {
    Refusal::Expected(format!(
        "levels by target, as `info,my_crate=debug`, of off, error, warn, info, debug, trace (`{part}` is none)"
    ))
}

impl Gate {
    pub(super) fn new(directives: Directives) -> Self {
        let configured = Arc::new(directives);
        Self {
            summary: AtomicU8::new(configured.summary()),
            generation: AtomicU64::new(GENERATION.fetch_add(1, Ordering::Relaxed)),
            directives: RwLock::new(Arc::clone(&configured)),
            configured,
        }
    }

    /// Does this target write lines of this level?
    #[inline]
    pub(super) fn lets_pass(&self, level: Level, target: &str) -> bool {
        let summary = self.summary.load(Ordering::Relaxed);
        if rank(level) > summary & !ONE_LEVEL {
            return false;
        }
        summary & ONE_LEVEL != 0 || self.asks_targets(level, target)
    }

    /// The highest level that any target writes.
    pub(super) fn highest(&self) -> LevelFilter {
        match self.summary.load(Ordering::Relaxed) & !ONE_LEVEL {
            0 => LevelFilter::OFF,
            1 => LevelFilter::ERROR,
            2 => LevelFilter::WARN,
            3 => LevelFilter::INFO,
            4 => LevelFilter::DEBUG,
            _ => LevelFilter::TRACE,
        }
    }

    /// The directives in force.
    pub(super) fn text(&self) -> String {
        self.in_force().text.clone()
    }

    pub(super) fn set(&self, directives: Directives) {
        self.put(Arc::new(directives));
    }

    /// Goes back to what was configured.
    pub(super) fn reset(&self) {
        self.put(Arc::clone(&self.configured));
    }

    fn put(&self, directives: Arc<Directives>) {
        let mut held = self.directives.write().unwrap_or_else(PoisonError::into_inner);
        self.summary.store(directives.summary(), Ordering::Relaxed);
        *held = directives;
        self.generation.store(GENERATION.fetch_add(1, Ordering::Relaxed), Ordering::Release);
    }

    fn in_force(&self) -> Arc<Directives> {
        Arc::clone(&self.directives.read().unwrap_or_else(PoisonError::into_inner))
    }

    // Each thread asks its own copy, so that no lock is shared between requests.
    fn asks_targets(&self, level: Level, target: &str) -> bool {
        let generation = self.generation.load(Ordering::Acquire);
        let by_copy = COPY.try_with(|copy| {
            let mut copy = copy.try_borrow_mut().ok()?;
            if copy.0 != generation {
                *copy = (generation, Some(self.in_force()));
            }
            copy.1.as_ref().map(|directives| directives.targets.would_enable(target, &level))
        });
        by_copy.ok().flatten().unwrap_or_else(|| self.in_force().targets.would_enable(target, &level))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(text: &str) -> Gate {
        Gate::new(Directives::parse(text).expect("directives"))
    }

    #[test]
    fn one_level_for_all_needs_no_look_at_the_target() {
        let gate = gate("warn");
        assert!(gate.lets_pass(Level::WARN, "anything"));
        assert!(!gate.lets_pass(Level::INFO, "anything"));
        assert_eq!(gate.highest(), LevelFilter::WARN);
    }

    #[test]
    fn a_target_has_its_own_level_and_the_longest_name_decides() {
        let gate = gate("info, hyper=off ,app=debug,app::db=trace");
        assert!(gate.lets_pass(Level::TRACE, "app::db::pool"));
        assert!(gate.lets_pass(Level::DEBUG, "app::http") && !gate.lets_pass(Level::TRACE, "app::http"));
        assert!(!gate.lets_pass(Level::ERROR, "hyper::client"));
        assert!(gate.lets_pass(Level::INFO, "else") && !gate.lets_pass(Level::DEBUG, "else"));
        assert_eq!(gate.text(), "info,hyper=off,app=debug,app::db=trace");
    }

    #[test]
    fn a_change_is_seen_by_threads_that_asked_before() {
        let (gate, other) = (gate("info,app=debug"), gate("error,app=error"));
        assert!(gate.lets_pass(Level::DEBUG, "app"));
        assert!(!other.lets_pass(Level::WARN, "app"));
        gate.set(Directives::parse("info,app=warn").expect("directives"));
        assert!(!gate.lets_pass(Level::DEBUG, "app"));
        gate.reset();
        assert!(gate.lets_pass(Level::DEBUG, "app"));
    }

    #[test]
    fn bad_directives_are_refused_with_the_part_that_is_bad() {
        for bad in [
            "",
            " , ",
            "app=loud",
            "=info",
            "app=",
            "app[span]=info",
            "app=info=debug",
            "very loud",
            "info;app=debug",
            "info app=debug",
            "info:app=debug",
            "info|app",
            "\"info\"",
            "'info'",
        ] {
            let Err(Refusal::Expected(why)) = Directives::parse(bad) else { panic!("{bad} was taken") };
            assert!(why.contains("levels by target"), "{why}");
        }
    }

    #[test]
    fn what_silences_errors_without_saying_so_is_suspicious() {
        let suspicion = |text| Directives::parse(text).expect("directives").suspicion();
        for (text, quoted) in [
            ("inof", "`inof`"),
            ("warning", "`warning`"),
            ("inf,app=debug", "`inf`"),
            ("app", "`app`"),
            ("app=debug", "`info,app=debug`"),
            ("app=debug,tower_observability=info", "`info,app=debug,tower_observability=info`"),
            ("warn=debug", "`info,warn=debug`"),
            ("0", "`0`"),
            ("info,app=00", "`app=00`"),
        ] {
            assert!(suspicion(text).is_some_and(|why| why.contains(quoted)), "{text}: {:?}", suspicion(text));
        }
        for fine in
            ["info", "5", "WARN", "info,app", "off", "OFF,app=debug", "error,hyper=off", "app=debug,info"]
        {
            assert_eq!(suspicion(fine), None, "{fine}");
        }
    }

    #[test]
    fn the_name_of_the_package_is_no_target() {
        let said = |text| Directives::parse(text).expect("directives").names_package("my-service");
        for text in ["info,my-service=debug", "my-service", "my-service::db=trace,info"] {
            assert!(said(text).is_some_and(|why| why.contains("`my-service` is `my_service`")), "{text}");
        }
        for text in ["info,my_service=debug", "info,my-service-db=debug", "info,audit-log=debug"] {
            assert_eq!(said(text), None, "{text}");
        }
        let own = own_name().expect("a test is a program");
        let directives = Directives::parse(&format!("info,{own}=debug")).expect("directives");
        assert!(directives.suspicion().is_some_and(|why| why.contains(&own)), "{own}");
    }

    #[test]
    fn a_level_for_the_crate_tower_is_none_for_our_own_lines() {
        let ours = "tower_observability::request";
        for text in ["info,tower=off", "tower=warn,info", "info,tower_=off", "info,tower=debug"] {
            let gate = gate(text);
            assert!(gate.lets_pass(Level::INFO, ours) && !gate.lets_pass(Level::DEBUG, ours), "{text}");
        }
        assert!(!gate("info,tower=off").lets_pass(Level::ERROR, "tower::buffer"));
        assert!(!gate("info,tower=off,tower_observability=off").lets_pass(Level::ERROR, ours));
        assert!(!gate("info,tower=off,tower_observability::request=warn").lets_pass(Level::INFO, ours));
        assert!(gate("tower=debug").lets_pass(Level::WARN, ours));
    }

    #[test]
    fn levels_for_other_targets_only_leave_our_warnings_and_errors_and_say_so() {
        for text in
            ["app=info", "app::db", "app=error,hyper=off", "tower_observability::client=info", "tower=off"]
        {
            let directives = Directives::parse(text).expect("directives");
            assert!(
                directives.suspicion().is_some_and(|why| why.contains(&format!("`info,{text}`"))),
                "{text}"
            );
            let gate = Gate::new(directives);
            assert!(gate.lets_pass(Level::WARN, "tower_observability::request"), "{text}");
            assert!(!gate.lets_pass(Level::INFO, "tower_observability::request"), "{text}");
            assert!(!gate.lets_pass(Level::ERROR, "sqlx"), "{text}");
        }
        for text in ["off", "off,app=info", "app=info,tower_observability=off"] {
            assert!(!gate(text).lets_pass(Level::ERROR, "tower_observability::request"), "{text}");
        }
    }
}
