//! Owns the moment when this process started: the kernel's where it says so, else that of `init`.

use super::source::{Shape, Source};
use crate::clock::Moment;
use crate::names::metric;

/// The unit of `/proc/self/stat`, the same on every architecture that this is built for (`USER_HZ`).
const TICKS_A_SECOND: f64 = 100.0;

/// When this process started. `init` calls it early, for the systems that do not tell.
pub(crate) fn process_start() -> Source {
    let now = Moment::now().unix_nanos() as f64 / 1e9;
    let told = || started(&read("/proc/self/stat")?, &read("/proc/stat")?);
    // The kernel knows its own start by the second only, so that a fresh process may be one of the future.
    let start = told().map_or(now, |start| start.min(now));
    let start = (start * 1_000.0).round() / 1_000.0;
    Box::new(move |samples| {
        let help = "When the process started, in seconds since 1970.";
        samples.family(metric::PROCESS_START_TIME, Shape::Gauge, "seconds", help).sample(&[], start);
    })
}

fn read(path: &str) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

/// The start in Unix seconds: the system's, and the ticks from there to the process's (proc(5)).
fn started(process: &str, system: &str) -> Option<f64> {
    // The second field is the executable's name in brackets, which may hold anything; the start is the 22nd.
    let (_, behind_name) = process.rsplit_once(')')?;
    let ticks: f64 = behind_name.split_ascii_whitespace().nth(19)?.parse().ok()?;
    let boot: f64 = system.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
    Some(boot + ticks / TICKS_A_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_start_is_read_whatever_the_executable_is_called() {
        let process = "7 (a) b (c) S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 9 0 250 11 12";
        let system = "cpu  1 2 3\nintr 9\nbtime 1700000000\nprocesses 5\n";
        assert_eq!(started(process, system), Some(1_700_000_002.5));
        for (process, system) in
            [("", system), ("7 (a) S 1", system), (process, "cpu 1\n"), ("7 (a", "btime")]
        {
            assert_eq!(started(process, system), None, "{process:?} {system:?}");
        }
    }
}
