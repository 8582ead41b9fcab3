//! What processes used of the machine, as Linux tells it.

use std::fs;

/// CPU seconds of a process so far.
pub fn seconds(id: u32) -> f64 {
    seconds_of_threads(id, "")
}

/// CPU seconds of those of its threads whose name begins with this.
pub fn seconds_of_threads(id: u32, name: &str) -> f64 {
    let tasks = fs::read_dir(format!("/proc/{id}/task")).into_iter().flatten().map_while(Result::ok);
    let of = |task: fs::DirEntry| {
        let is_named = fs::read_to_string(task.path().join("comm")).ok()?.starts_with(name);
        let used = fs::read_to_string(task.path().join("schedstat")).ok()?;
        let nanos: f64 = used.split(' ').next()?.parse().ok()?;
        is_named.then_some(nanos / 1e9)
    };
    tasks.filter_map(of).sum()
}

/// The most bytes of memory that it had at once.
pub fn peak_memory(id: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|peak| peak.split_whitespace().next()?.parse::<f64>().ok()).unwrap_or_default() * 1024.0
}

/// The processes that this one has started.
pub fn children(id: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").into_iter().flatten().map_while(Result::ok);
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let parent = |one: u32| {
        let stat = fs::read_to_string(format!("/proc/{one}/stat")).ok()?;
        // Its name, in parentheses, may have spaces.
        stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse::<u32>().ok()
    };
    ids.filter(|one| parent(*one) == Some(id)).collect()
}
