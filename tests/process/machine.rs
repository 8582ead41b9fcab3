//! Promise: the page of a real process says what the process and its machine do, and nothing that is not known.

use std::net::TcpStream;

use tokio::runtime::{Builder, Runtime};

use crate::support::child::{Child, Running, run};
use crate::support::exposition::{Family, read};
use crate::support::http::get;

/// What every Linux tells of every process.
const PROCESS: [&str; 7] = [
    "process_cpu_seconds_total",
    "process_max_fds",
    "process_open_fds",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
    "process_threads",
    "process_virtual_memory_bytes",
];

const RUNTIME: [&str; 4] =
    ["tokio_alive_tasks", "tokio_global_queue_depth", "tokio_workers", "tokio_workers_busy_seconds_total"];

#[test]
fn program() {
    run(&[("inside", inside), ("outside", outside)]);
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(3).enable_all().build().unwrap()
}

/// `init` within a runtime.
fn inside() {
    let runtime = runtime();
    let observability = runtime.block_on(async { tower_observability::init("inside").unwrap() });
    let signal = observability.shutdown_signal();
    eprintln!("admin: {}", observability.admin_address().unwrap());
    runtime.block_on(signal);
}

/// `init` before there is one.
fn outside() {
    let observability = tower_observability::init("outside").unwrap();
    // Asked for before anybody may send it.
    let signal = observability.shutdown_signal();
    eprintln!("admin: {}", observability.admin_address().unwrap());
    runtime().block_on(signal);
}

/// The program, and the address of its page.
fn start(program: &str, variables: &[(&str, &str)]) -> (Running, String) {
    let child = Child::new("machine", program).env("OBSERVABILITY_DRAIN_DELAY", "0");
    let mut running = variables.iter().fold(child, |child, (name, value)| child.env(name, value)).start();
    let address = running.line("admin: ").replace("admin: ", "");
    (running, address)
}

fn page(address: &str) -> Vec<Family> {
    let page = get(address, "/metrics");
    read(page.split_once("\r\n\r\n").unwrap().1, false).unwrap()
}

fn value(page: &[Family], name: &str) -> Option<f64> {
    Some(page.iter().find(|family| family.name == name)?.samples[0].value)
}

fn ends(running: Running) {
    running.terminate();
    running.end().well();
}

#[test]
fn a_process_tells_what_it_uses() {
    let (running, address) = start("inside", &[]);
    let first = page(&address);
    let told = |name: &str| value(&first, name).unwrap_or_else(|| panic!("no {name}"));
    if cfg!(target_os = "linux") {
        let _ = PROCESS.map(told);
        assert!(told("process_threads") >= 4.0, "three workers and ours");
        assert!((5.0..told("process_max_fds")).contains(&told("process_open_fds")));
        let resident = told("process_resident_memory_bytes");
        assert!((1e5..told("process_virtual_memory_bytes")).contains(&resident), "{resident}");
        // Each connection that is kept open is one descriptor more.
        let kept: Vec<_> = (0..20).map(|_| TcpStream::connect(&address).unwrap()).collect();
        let more = || value(&page(&address), "process_open_fds").unwrap() >= told("process_open_fds") + 20.0;
        assert!((0..100).any(|_| more()), "{} descriptors after {}", told("process_open_fds"), kept.len());
        let busier =
            || value(&page(&address), "process_cpu_seconds_total") > Some(told("process_cpu_seconds_total"));
        assert!((0..20_000).any(|_| busier()), "pages cost processor time");
    }
    let _ = RUNTIME.map(told);
    assert_eq!(told("tokio_workers"), 3.0);
    ends(running);
}

#[test]
fn what_is_not_known_or_not_wanted_is_absent() {
    let absent = |page: &[Family], begin: &str| {
        let there: Vec<_> = page.iter().filter(|family| family.name.starts_with(begin)).collect();
        assert!(there.is_empty(), "{there:#?}");
    };
    let (running, address) = start("outside", &[]);
    let first = page(&address);
    absent(&first, "tokio_");
    absent(&first, "system_filesystem_");
    assert!(value(&first, "process_threads").is_some() || !cfg!(target_os = "linux"));
    ends(running);
    let (running, address) = start("inside", &[("OBSERVABILITY_PROCESS_METRICS", "false")]);
    let mut second = page(&address);
    assert!(value(&second, "process_start_time_seconds").is_some_and(|start| start > 1.7e9));
    second.retain(|family| family.name != "process_start_time_seconds");
    ["process_", "container_", "tokio_"].iter().for_each(|begin| absent(&second, begin));
    ends(running);
}

#[cfg(unix)]
#[test]
fn a_disk_is_shown_by_the_path_that_the_operator_names() {
    let (running, address) = start("outside", &[("OBSERVABILITY_DISK_PATHS", "/,/nowhere/at/all")]);
    // On a machine that is busy, a page need not wait for it.
    let found = (0..1_000).find_map(|_| {
        let page = page(&address);
        let family = |name: &str| page.iter().find(|family| family.name == name).cloned();
        Some((family("system_filesystem_limit_bytes")?, family("system_filesystem_usage_bytes")?))
    });
    let (limit, usage) = found.unwrap();
    let [limit] = limit.samples.as_slice() else { panic!("one path, not {limit:#?}") };
    assert_eq!(limit.labels, [("path".to_owned(), "/".to_owned())]);
    assert_eq!(usage.samples.iter().map(|sample| sample.value).sum::<f64>(), limit.value);
    ends(running);
}
