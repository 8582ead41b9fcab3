//! Promise: the last words of a process that ends by `std::process::exit` are written, if they were said outside of a
//! request; whoever does not read them makes nobody wait; and a child made by `fork` says what it loses.

use std::time::Instant;

use crate::support::child::{Child, run};

#[test]
fn program() {
    run(&[
        #[cfg(unix)]
        ("forked", forked),
        ("many", many),
        ("taken", taken),
        ("unread", unread),
    ]);
}

/// How a service ends that cannot start.
fn taken() {
    let _observability = tower_observability::init("exiting").unwrap();
    tracing::info!("about to bind");
    tracing::error!(port = 80, "the port is taken");
    tracing::error!("and that was that");
    std::process::exit(7);
}

fn many() {
    let _observability = tower_observability::init("exiting").unwrap();
    let begin = Instant::now();
    (0..5_000).for_each(|number| tracing::error!(number, "one of many"));
    eprintln!("took: {}", begin.elapsed().as_millis());
}

/// Fills the pipe, then says more.
fn unread() {
    let _observability = tower_observability::init("exiting").unwrap();
    (0..2_000).for_each(|_| tracing::info!(text = "x".repeat(200), "fills the pipe"));
    let begin = Instant::now();
    (0..2_000).for_each(|number| tracing::error!(number, "nobody reads this"));
    eprintln!("took: {}", begin.elapsed().as_millis());
    std::process::exit(0);
}

/// A copy of the process, which has none of its threads.
#[cfg(unix)]
fn forked() {
    use fork::{Fork, WIFEXITED, fork, waitpid};

    let observability = tower_observability::init("exiting").unwrap();
    tracing::info!("before the fork");
    // A lock that another thread holds at the fork is never opened in the child: all of ours rest by then.
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(observability.flush(std::time::Duration::from_secs(5)));
    let Fork::Parent(child) = fork().unwrap() else {
        tracing::info!("said by the child");
        let begin = Instant::now();
        drop(observability);
        eprintln!("took: {}", begin.elapsed().as_millis());
        std::process::exit(0);
    };
    assert!(WIFEXITED(waitpid(child).unwrap()));
    tracing::info!("after the fork");
}

#[cfg(unix)]
#[test]
fn a_child_made_by_fork_says_that_its_lines_are_lost_and_ends_at_once() {
    let ended = Child::new("exits", "forked").end().well();
    assert!(ended.said("took: ").parse::<u64>().unwrap() < 1_000);
    let complaint = "this process was forked after `init`: its log lines";
    assert_eq!(ended.output.iter().filter(|line| line.contains(complaint)).count(), 1, "{:#?}", ended.output);
    let lines = ended.messages("INFO");
    let count = |text: &str| lines.iter().filter(|line| *line == text).count();
    let counts = ["before the fork", "said by the child", "after the fork"].map(count);
    assert_eq!(counts, [1, 0, 1], "{:#?}", ended.output);
}

#[test]
fn an_error_outside_of_a_request_is_written_when_the_call_returns() {
    let ended: Vec<_> = std::thread::scope(|scope| {
        let start =
            |_| scope.spawn(|| (0..8).map(|_| Child::new("exits", "taken").end()).collect::<Vec<_>>());
        let threads: Vec<_> = (0..5).map(start).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let is_whole = |ended: &&crate::support::child::Ended| {
        let said = |level, text: &str| ended.messages(level).iter().any(|message| message == text);
        said("INFO", "about to bind")
            && said("ERROR", "the port is taken")
            && said("ERROR", "and that was that")
    };
    assert!(ended.iter().all(|ended| ended.status.code() == Some(7)));
    let whole = ended.iter().filter(is_whole).count();
    assert_eq!(
        whole,
        ended.len(),
        "{:?}",
        ended.iter().find(|ended| !is_whole(ended)).map(|ended| &ended.output)
    );
}

#[test]
fn many_errors_and_a_reader_that_stands_still_make_nobody_wait() {
    let took = |ended: crate::support::child::Ended| ended.said("took: ").parse::<u64>().unwrap();
    assert!(took(Child::new("exits", "many").end().well()) < 2_000);
    assert!(took(Child::new("exits", "unread").start_unread().end().well()) < 600, "one waits, for 0.1 s");
}
