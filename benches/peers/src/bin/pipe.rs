//! What it costs to write log lines to a pipe in pieces that the system never tears (`PIPE_BUF`, 4096 bytes on Linux),
//! beside pieces of 64 KiB.
//!
//! `cargo run --release --locked --bin pipe` in this folder prints lines a second, by the processor's time of the process
//! that writes and by the clock. The reader is `cat`. Needs Linux.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Instant;

const LINES: usize = 2_000_000;
/// A request's line in the format `json` has about so many bytes.
const LINE: usize = 420;
/// The kernel's unit of a process's time, by default.
const TICKS_PER_SECOND: f64 = 100.0;

fn main() {
    println!("| bytes a call | lines a call | lines a second of processor time | lines a second |\n|--:|--:|--:|--:|");
    for most in [4096, 64 * 1024] {
        let per_call = most / LINE;
        let piece = format!("{}\n", "x".repeat(LINE - 1)).repeat(per_call);
        let mut reader =
            Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("cat starts");
        let mut pipe = reader.stdin.take().expect("a pipe");
        let (time, clock) = (processor_time(), Instant::now());
        for _ in 0..LINES / per_call {
            pipe.write_all(piece.as_bytes()).expect("cat reads");
        }
        let (time, clock) = (processor_time() - time, clock.elapsed().as_secs_f64());
        drop(pipe);
        reader.wait().expect("cat ends");
        let rate = |seconds: f64| LINES as f64 / seconds;
        println!("| {most} | {per_call} | {:.0} | {:.0} |", rate(time), rate(clock));
    }
}

/// Seconds of the processor that this process took, in its own code and in the system's.
fn processor_time() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").expect("Linux");
    let (_, behind) = stat.rsplit_once(") ").expect("a name in brackets");
    let fields: Vec<&str> = behind.split(' ').collect();
    let ticks = |place: usize| fields[place].parse::<f64>().expect("a number");
    (ticks(11) + ticks(12)) / TICKS_PER_SECOND
}
