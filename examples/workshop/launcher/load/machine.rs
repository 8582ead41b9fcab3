//! The machine's CPU and our own, as Linux tells them; elsewhere they are not known.

/// Ticks since the machine started.
#[derive(Clone, Copy, Debug)]
struct Ticks {
    all: f64,
    idle: f64,
    own: f64,
}

/// The use of a span of time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Used {
    /// Share of all cores that was not idle.
    pub(super) busy: f64,
    /// Cores that this process, the generator of the load, used.
    pub(super) own: f64,
}

/// What is used from here on.
#[derive(Debug)]
pub(super) struct Since(Option<Ticks>);

impl Since {
    pub(super) fn now() -> Self {
        Self(Ticks::now())
    }

    pub(super) fn used(&self) -> Option<Used> {
        used(self.0?, Ticks::now()?, cores())
    }
}

/// How many cores there are for us.
pub(super) fn cores() -> f64 {
    std::thread::available_parallelism().map_or(1.0, |cores| cores.get() as f64)
}

fn used(before: Ticks, after: Ticks, cores: f64) -> Option<Used> {
    let all = after.all - before.all;
    let share = |ticks: f64| (ticks / all).clamp(0.0, 1.0);
    (all > 0.0).then(|| Used {
        busy: 1.0 - share(after.idle - before.idle),
        own: share(after.own - before.own) * cores,
    })
}

impl Ticks {
    fn now() -> Option<Self> {
        let read = |path| std::fs::read_to_string(path).ok();
        Self::of(&read("/proc/stat")?, &read("/proc/self/stat")?)
    }

    fn of(machine: &str, process: &str) -> Option<Self> {
        let numbers = machine.lines().next()?.strip_prefix("cpu ")?.split_whitespace();
        // user nice system idle iowait irq softirq steal; what follows is contained in them.
        let numbers: Vec<f64> = numbers.take(8).map(|number| number.parse().ok()).collect::<Option<_>>()?;
        // The name may have spaces and brackets: what is counted stands behind its last one.
        let mut fields = process.rsplit_once(") ")?.1.split(' ').skip(11);
        let mut time = || fields.next()?.parse::<f64>().ok();
        Some(Self {
            all: numbers.iter().sum(),
            idle: numbers.get(3)? + numbers.get(4)?,
            own: time()? + time()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_read_whatever_the_process_is_called() {
        let machine = "cpu  100 0 50 800 50 0 0 0 0 0\ncpu0 1 2 3\n";
        let process = "7 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 30 12 0 0";
        let before = Ticks::of(machine, process).unwrap();
        assert_eq!((before.all, before.idle, before.own), (1_000.0, 850.0, 42.0));
        let after = Ticks { all: 1_200.0, idle: 900.0, own: 92.0 };
        let used = used(before, after, 2.0).unwrap();
        assert!((used.busy - 0.75).abs() < 1e-9 && (used.own - 0.5).abs() < 1e-9, "{used:?}");
        for (machine, process) in [("", process), ("cpu 1 x", process), (machine, ""), (machine, "7 (a) S 1")]
        {
            assert!(Ticks::of(machine, process).is_none(), "{machine} {process}");
        }
    }
}
