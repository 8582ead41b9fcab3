//! The count of instructions and allocations by thread, by valgrind's callgrind.
//!
//! The program runs itself again under callgrind, twice, with a small and a large number of requests: the
//! difference is what the requests took, without start and end. The requests are on the main thread; the first
//! thread that `init` starts exports, the second writes lines. Allocations are callgrind's own count of calls to the
//! allocator, so that counting them adds no instruction.

use std::collections::HashMap;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs, process, thread};

/// What one request took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Cost {
    /// On its thread, as the next.
    pub(crate) instructions: f64,
    pub(crate) allocations: f64,
    /// Instructions from the queue to standard output, on the thread that writes lines.
    pub(crate) lines: f64,
    /// Instructions from the queue to the socket, on the thread that exports.
    pub(crate) export: f64,
    /// Instructions of all threads, as the next.
    pub(crate) whole: f64,
    pub(crate) whole_allocations: f64,
}

/// What one thread did.
#[derive(Clone, Copy, Debug, Default)]
struct Thread {
    instructions: f64,
    allocations: f64,
}

const FEW: u64 = 256;
const MANY: u64 = 1_280;
const ALLOCATORS: [&str; 5] = ["malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc"];

impl Cost {
    pub(crate) fn above(self, other: Self) -> Self {
        Self {
            instructions: self.instructions - other.instructions,
            allocations: self.allocations - other.allocations,
            lines: self.lines - other.lines,
            export: self.export - other.export,
            whole: self.whole - other.whole,
            whole_allocations: self.whole_allocations - other.whole_allocations,
        }
    }

    /// In the order of its fields.
    pub(crate) fn rows(self) -> [f64; 6] {
        let Self { instructions, allocations, lines, export, whole, whole_allocations } = self;
        [instructions, allocations, lines, export, whole, whole_allocations]
    }

    pub(crate) fn per(self, requests: f64) -> Self {
        Self {
            instructions: self.instructions / requests,
            allocations: self.allocations / requests,
            lines: self.lines / requests,
            export: self.export / requests,
            whole: self.whole / requests,
            whole_allocations: self.whole_allocations / requests,
        }
    }
}

/// Measures a run of this program; `child` gives its command for a number of requests.
pub(crate) fn measure(child: impl Fn(u64) -> Command + Sync) -> Cost {
    measure_between(FEW, MANY, child)
}

/// The same, with these two numbers of requests.
pub(crate) fn measure_between(few: u64, many: u64, child: impl Fn(u64) -> Command + Sync) -> Cost {
    let requests = (many - few) as f64;
    // Both at once: counts do not depend on what else runs, and each sleeps between its bursts.
    let (of_many, of_few) = thread::scope(|scope| {
        let of_few = scope.spawn(|| run(child(few)));
        (run(child(many)), of_few.join().expect("a count"))
    });
    let cost = of_many.above(of_few).per(requests);
    // Every request allocates: if none was seen, the allocator goes by a name that is not counted.
    assert!(cost.instructions > 1_000.0 && cost.allocations >= 1.0, "nothing was counted: {cost:?}");
    cost
}

fn run(program: Command) -> Cost {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let run = RUNS.fetch_add(1, Ordering::Relaxed);
    let folder = env::temp_dir().join(format!("request-bench-{}-{run}", process::id()));
    fs::create_dir_all(&folder).expect("a folder for callgrind");
    let mut valgrind = Command::new("valgrind");
    // Its threads take turns; else ours might not get one while ten thousand requests end.
    valgrind.args(["--tool=callgrind", "--separate-threads=yes", "--fair-sched=try", "--quiet"]);
    valgrind.arg(format!("--callgrind-out-file={}", folder.join("out").display()));
    valgrind.arg(program.get_program()).args(program.get_args());
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => valgrind.env(name, value),
            None => valgrind.env_remove(name),
        };
    }
    let status = valgrind.stdin(Stdio::null()).stdout(Stdio::null()).status();
    let status = status.unwrap_or_else(|error| panic!("valgrind, which counts, does not start: {error}"));
    assert!(status.success(), "{program:?} under valgrind: {status}");
    let files = fs::read_dir(&folder).expect("callgrind's folder").map(|file| file.expect("a file").path());
    // Named `out-01` and so on, by thread.
    let mut files: Vec<_> = files.filter(|path| path.to_string_lossy().contains("/out-")).collect();
    files.sort();
    let threads = files.iter().map(|path| read(&fs::read_to_string(path).expect("a thread's counts")));
    let threads: Vec<Thread> = threads.collect();
    fs::remove_dir_all(&folder).expect("callgrind's folder can go");
    // Where nothing was started there is only the first.
    let thread = |number: usize| threads.get(number).copied().unwrap_or_default();
    Cost {
        instructions: thread(0).instructions,
        allocations: thread(0).allocations,
        lines: thread(2).instructions,
        export: thread(1).instructions,
        whole: threads.iter().map(|thread| thread.instructions).sum(),
        whole_allocations: threads.iter().map(|thread| thread.allocations).sum(),
    }
}

/// Reads callgrind's format: `fn=(id) name` and `cfn=(id) name` give a name once, later only the id;
/// `calls=` counts calls of the `cfn` before it; `totals:` is the sum of instructions.
fn read(profile: &str) -> Thread {
    let mut names = HashMap::new();
    let mut called = HashMap::<&str, f64>::new();
    let mut callee = "";
    let mut thread = Thread::default();
    for line in profile.lines() {
        if let Some(function) = line.strip_prefix("cfn=").or_else(|| line.strip_prefix("fn=")) {
            let (id, name) = function.split_once(' ').unwrap_or((function, ""));
            if !name.is_empty() {
                names.insert(id, name);
            }
            callee = id;
        } else if let Some(calls) = line.strip_prefix("calls=") {
            *called.entry(callee).or_default() += number(calls);
        } else if let Some(total) = line.strip_prefix("totals:") {
            thread.instructions = number(total);
        }
    }
    let allocates = |id: &str| names.get(id).is_some_and(|name| ALLOCATORS.contains(&plain(name)));
    thread.allocations = called.iter().filter(|(id, _)| allocates(id)).map(|(_, calls)| calls).sum();
    thread
}

/// The C library's second name for the same function.
fn plain(name: &str) -> &str {
    name.strip_prefix("__libc_").unwrap_or(name)
}

fn number(text: &str) -> f64 {
    text.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or_default()
}
