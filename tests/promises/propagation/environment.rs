//! The environment as a carrier: a child process gets the trace in which it is started, and nothing older.

use std::process::{Command, Stdio};

use tower_observability::context::TraceContext;
use tower_observability::propagation::Carrier;
use tower_observability::testing::Instance;
use tower_observability::{Work, propagation};

/// What a child that is started within a job finds in its environment.
async fn childs_environment(seen: &Instance, mut child: Command) -> Vec<(String, String)> {
    child.stdin(Stdio::null());
    let job = seen.adopt(Work::internal("back up"));
    let output = job.run(async move {
        propagation::inject(&mut child);
        child.output().expect("`env` starts")
    });
    let text = String::from_utf8(output.await.stdout).expect("text");
    text.lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.into(), value.into()))
        .collect()
}

fn value<'a>(environment: &'a [(String, String)], name: &str) -> Option<&'a str> {
    environment.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
}

#[tokio::test]
async fn a_child_process_gets_the_trace_and_nothing_of_an_older_one() {
    let seen = Instance::new();
    let mut child = Command::new("env");
    child.put("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned());
    child.put("tracestate", "old=1".to_owned());
    let environment = childs_environment(&seen, child).await;
    let trace = value(&environment, "TRACEPARENT").expect("a parent");
    let trace = TraceContext::from_traceparent(trace.as_bytes()).expect("a valid one");
    assert_eq!(trace, seen.spans()[0].trace);
    assert_eq!(value(&environment, "TRACESTATE"), None);
}

#[test]
fn outside_of_a_trace_the_childs_environment_stays_as_it_is() {
    let mut child = Command::new("env");
    propagation::inject(&mut child);
    assert_eq!(child.get_envs().count(), 0);
}
