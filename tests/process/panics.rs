//! Promise: a panic is a line, whatever becomes of the process.

use tower_observability::{Work, request};

use crate::support::child::{Child, run};

#[test]
fn program() {
    run(&[
        ("in-a-thread", in_a_thread),
        ("at-the-end", at_the_end),
        ("in-a-job", in_a_job),
        ("deep", deep),
        ("naming-a-url", naming_a_url),
    ]);
}

fn in_a_thread() {
    let _observability = tower_observability::init("panicking").unwrap();
    let thread = std::thread::Builder::new().name("worker-7".to_owned());
    assert!(thread.spawn(|| panic!("out of spanners")).unwrap().join().is_err());
    tracing::info!("the process goes on");
}

fn naming_a_url() {
    let _observability = tower_observability::init("panicking").unwrap();
    fn send() -> Result<(), &'static str> {
        Err("send (http://me:SECRET@host/path?key=SECRET): refused")
    }
    assert!(std::thread::spawn(|| send().unwrap()).join().is_err());
}

fn deep() {
    #[inline(never)]
    fn sink(depth: u32) -> u32 {
        assert!(depth > 0, "too deep");
        sink(std::hint::black_box(depth - 1)) + 1
    }
    let _observability = tower_observability::init("panicking").unwrap();
    assert!(std::thread::spawn(|| sink(500)).join().is_err());
}

fn at_the_end() {
    let observability = tower_observability::init("panicking").unwrap();
    std::panic::set_hook({
        let ours = std::panic::take_hook();
        Box::new(move |panic| {
            ours(panic);
            // Neither the guard nor anything else has a word after this.
            std::process::exit(3);
        })
    });
    let _unused = observability;
    panic!("nothing comes after this");
}

fn in_a_job() {
    let observability = tower_observability::init("panicking").unwrap();
    std::panic::set_hook({
        let ours = std::panic::take_hook();
        Box::new(move |panic| {
            ours(panic);
            // As a process does that was built to abort on a panic: nothing is unwound, nothing dropped.
            std::process::abort();
        })
    });
    let _unused = observability;
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(Work::internal("job").run(async {
        println!("trace: {}", request::trace().unwrap().trace_id);
        request::add_to_lines("bay", 7);
        panic!("out of spanners");
    }));
}

fn fatal(ended: &crate::support::child::Ended) -> serde_json::Value {
    let mut lines = ended.logged().into_iter().filter(|line| line["level"] == "FATAL");
    let line = lines.next().unwrap_or_else(|| panic!("no FATAL line in {:#?}", ended.output));
    assert_eq!(lines.next(), None);
    line
}

#[test]
fn a_panic_is_one_fatal_line_with_its_place() {
    let ended = Child::new("panics", "in-a-thread").end().well();
    let line = fatal(&ended);
    assert!(line["message"].as_str().unwrap().contains("out of spanners"), "{line}");
    assert_eq!(line["file"], file!());
    assert!(line["line"].as_u64().is_some(), "{line}");
    assert!(line.get("backtrace").is_none(), "{line}");
    assert!(ended.messages("INFO").iter().any(|message| message == "the process goes on"));
}

#[test]
fn a_panic_shows_nothing_of_a_url_that_may_be_a_secret() {
    let line = fatal(&Child::new("panics", "naming-a-url").end().well());
    let message = line["message"].as_str().unwrap();
    assert!(
        message.contains("http://REDACTED@host/path?REDACTED") && !message.contains("SECRET"),
        "{message}"
    );
}

#[test]
fn a_panic_shows_its_backtrace_where_one_is_wanted() {
    let line = fatal(&Child::new("panics", "in-a-thread").env("RUST_BACKTRACE", "1").end().well());
    assert!(line["backtrace"].as_str().is_some_and(|trace| trace.contains("in_a_thread")), "{line}");
}

#[test]
fn a_backtrace_begins_where_the_panic_was_and_is_bounded() {
    let line = fatal(&Child::new("panics", "deep").env("RUST_BACKTRACE", "1").end().well());
    let trace = line["backtrace"].as_str().unwrap();
    assert!(trace.lines().next().is_some_and(|frame| frame.contains("sink")), "{trace}");
    assert!(trace.len() < 8_300 && trace.ends_with("…[truncated]"), "{}", trace.len());
}

#[test]
fn the_line_of_a_panic_is_out_even_if_the_process_ends_in_its_hook() {
    let ended = Child::new("panics", "at-the-end").end();
    assert_eq!(ended.status.code(), Some(3), "{:#?}", ended.output);
    assert!(fatal(&ended)["message"].as_str().unwrap().contains("nothing comes after this"));
}

#[test]
fn the_line_of_a_panic_is_out_even_if_the_process_aborts_and_says_which_trace_it_was() {
    let ended = Child::new("panics", "in-a-job").end();
    assert!(!ended.status.success());
    let line = fatal(&ended);
    assert_eq!(line["message"], "out of spanners");
    assert_eq!(line["trace_id"], ended.said("trace: "));
    assert_eq!(line["bay"], 7, "what stands on every line stands on this one");
}
