//! The child process: this test binary, started again with an environment of its own.
//!
//! A module of tests that wants one has a test named `program` that calls [`run`]; without the variable that
//! [`Child`] sets, that test does nothing.

use std::io::{BufRead as _, BufReader, Read};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

const CHOICE: &str = "TOWER_OBSERVABILITY_TEST_PROGRAM";
const DEADLINE: Duration = Duration::from_secs(60);

/// What to start.
pub struct Child {
    command: Command,
}

/// A child that runs. Dropping it ends it.
pub struct Running {
    process: std::process::Child,
    output: Receiver<String>,
    /// For what is read later.
    lines: Option<Sender<String>>,
    seen: Vec<String>,
}

/// What a child left behind: standard output and error, line by line, in the order of arrival.
pub struct Ended {
    pub status: ExitStatus,
    pub output: Vec<String>,
}

/// In the child: runs the program that was chosen, and exits. In the test run itself: nothing.
pub fn run(programs: &[(&str, fn())]) {
    let Ok(chosen) = std::env::var(CHOICE) else { return };
    let (_, program) = programs.iter().find(|(name, _)| *name == chosen).expect("a program of this module");
    program();
    std::process::exit(0);
}

impl Child {
    /// The program of this name among those of `module`.
    pub fn new(module: &str, program: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        // Two threads, or the test's name would stand before the first line.
        command.args(["--exact", &format!("{module}::program"), "--nocapture", "--test-threads=2"]);
        for (name, _) in std::env::vars_os() {
            let is_ours = |prefix| name.to_string_lossy().starts_with(prefix);
            if is_ours("OTEL_") || is_ours("OBSERVABILITY_") || is_ours("RUST_") {
                command.env_remove(name);
            }
        }
        // A free port; and whoever chooses the host gets no advice about containers.
        command.env("OTEL_EXPORTER_PROMETHEUS_PORT", "0").env("OTEL_EXPORTER_PROMETHEUS_HOST", "127.0.0.1");
        command.env(CHOICE, program);
        Self { command }
    }

    pub fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub fn without_env(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// Starts it behind a shell that redirects as told, such as `>&-`.
    pub fn redirected(self, how: &str) -> Self {
        self.started_by(&format!("exec \"$0\" \"$@\" {how}"))
    }

    /// Starts it into a file that is full after so many KiB, as on a disk without room.
    pub fn into_full_file(self, file: &Path, kib: usize) -> Self {
        // Blocks of 512 bytes. Without the signal, the write fails.
        let limit = format!("trap '' XFSZ; ulimit -f {}", 2 * kib);
        self.started_by(&format!("{limit}; exec \"$0\" \"$@\" > '{}'", file.display()))
    }

    /// Starts it with addresses for so many threads of 1 GiB, of which the test itself is one. What is not used costs no
    /// memory.
    pub fn with_threads(self, threads: usize) -> Self {
        let kib = (threads << 20) + 600_000;
        let script = format!("ulimit -v {kib}; exec \"$0\" \"$@\"");
        self.env("RUST_MIN_STACK", (1_u64 << 30).to_string()).started_by(&script)
    }

    fn started_by(mut self, script: &str) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command.arg(self.command.get_program()).args(self.command.get_args());
        self.hand_on(&mut command);
        self.command = command;
        self
    }

    /// Gives it a terminal as its standard output.
    pub fn on_terminal(mut self) -> Self {
        let words = std::iter::once(self.command.get_program()).chain(self.command.get_args());
        let quoted: Vec<_> = words.map(|word| format!("'{}'", word.to_string_lossy())).collect();
        let mut command = Command::new("script");
        // Some shells stay between `script` and what they run, and would be the ones that a signal reaches.
        command.env("SHELL", "/bin/sh");
        command.args([
            "--quiet",
            "--return",
            "--command",
            &format!("exec {}", quoted.join(" ")),
            "/dev/null",
        ]);
        self.hand_on(&mut command);
        self.command = command;
        self
    }

    fn hand_on(&self, command: &mut Command) {
        for (name, value) in self.command.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
    }

    /// It is started by another program, as the command at the end of these arguments.
    pub fn behind(self, program: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(program);
        command.args(arguments).arg("--").arg(self.command.get_program()).args(self.command.get_args());
        self.hand_on(&mut command);
        Self { command }
    }

    pub fn start(self) -> Running {
        self.start_reading(true, true)
    }

    /// Starts it with a standard output that nobody ever reads; only standard error comes back.
    pub fn start_unread(self) -> Running {
        self.start_reading(false, true)
    }

    /// Starts it with a standard error that nobody ever reads; only standard output comes back.
    pub fn start_unheeded(self) -> Running {
        self.start_reading(true, false)
    }

    fn start_reading(mut self, output_too: bool, errors_too: bool) -> Running {
        self.command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = self.command.spawn().unwrap();
        let (lines, output) = channel();
        if errors_too {
            read(process.stderr.take().unwrap(), lines.clone());
        }
        if output_too {
            read(process.stdout.take().unwrap(), lines.clone());
        }
        let lines = Some(lines).filter(|_| !output_too);
        Running { process, output, lines, seen: Vec::new() }
    }

    /// Starts it and waits for its end.
    pub fn end(self) -> Ended {
        self.start().end()
    }
}

/// Sends a process this signal, such as `-TERM`.
pub fn signal(process: u32, which: &str) {
    let sent = Command::new("kill").args([which, &process.to_string()]).status().unwrap();
    assert!(sent.success());
}

fn read(pipe: impl Read + Send + 'static, lines: Sender<String>) {
    std::thread::spawn(move || {
        BufReader::new(pipe).lines().map_while(Result::ok).try_for_each(|line| lines.send(line))
    });
}

impl Running {
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// The first line, from here on, that contains `text`.
    pub fn line(&mut self, text: &str) -> String {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if line.contains(text) {
                        return line;
                    }
                }
                Err(_) => panic!("no line with {text:?} in {:#?}", self.seen),
            }
        }
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        self.signal("-TERM");
    }

    /// Sends SIGINT, as ctrl-c does.
    pub fn interrupt(&self) {
        self.signal("-INT");
    }

    fn signal(&self, which: &str) {
        signal(self.id(), which);
    }

    /// Sends SIGINT to what `script` runs on its terminal.
    pub fn interrupt_on_terminal(&self) {
        let id = self.id();
        let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap();
        children.split_whitespace().for_each(|child| signal(child.parse().unwrap(), "-INT"));
    }

    /// Reads the standard output that was not read so far.
    pub fn read_on(&mut self) {
        read(self.process.stdout.take().unwrap(), self.lines.take().unwrap());
    }

    /// Closes the end of standard output that nobody read.
    pub fn hang_up(&mut self) {
        drop(self.process.stdout.take());
    }

    /// Waits for the end by itself.
    pub fn end(mut self) -> Ended {
        self.lines = None;
        let deadline = Instant::now() + DEADLINE;
        loop {
            match self.output.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => self.seen.push(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("still running: {:#?}", self.seen),
            }
        }
        let status = self.process.wait().unwrap();
        Ended { status, output: std::mem::take(&mut self.seen) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Ended {
    /// The log lines: every line that is a JSON object.
    pub fn logged(&self) -> Vec<serde_json::Value> {
        self.output
            .iter()
            .filter_map(|line| serde_json::from_str(line).ok())
            .filter(serde_json::Value::is_object)
            .collect()
    }

    /// The messages of the log lines of this level.
    pub fn messages(&self, level: &str) -> Vec<String> {
        let lines = self.logged().into_iter().filter(|line| line["level"] == level);
        lines.map(|line| line["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The one line that begins with `prefix`, without it.
    pub fn said(&self, prefix: &str) -> &str {
        let mut found = self.output.iter().filter_map(|line| line.strip_prefix(prefix));
        let first = found.next().unwrap_or_else(|| panic!("no {prefix:?} in {:#?}", self.output));
        assert_eq!(found.next(), None, "{prefix:?} twice in {:#?}", self.output);
        first
    }

    /// Panics, with everything that was written, unless the child ended well.
    pub fn well(self) -> Self {
        assert!(self.status.success(), "{:?}: {:#?}", self.status, self.output);
        self
    }
}
