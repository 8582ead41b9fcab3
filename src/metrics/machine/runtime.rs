//! The source about the tokio runtime from which `init` was called: by tokio's stable metrics only.

use tokio::runtime::RuntimeMetrics;

use crate::metrics::source::Source;
use crate::names::metric;

/// Workers, tasks, queue and busy time of a runtime.
pub(crate) fn runtime(runtime: RuntimeMetrics) -> Source {
    Source::new("tokio_", move |samples| {
        let workers = Some(runtime.num_workers() as f64);
        samples.single(metric::TOKIO_WORKERS, workers);
        let tasks = Some(runtime.num_alive_tasks() as f64);
        samples.single(metric::TOKIO_ALIVE_TASKS, tasks);
        let waiting = Some(runtime.global_queue_depth() as f64);
        samples.single(metric::TOKIO_GLOBAL_QUEUE_DEPTH, waiting);
        samples.single(metric::TOKIO_WORKERS_BUSY, busy(&runtime));
    })
}

#[cfg(target_has_atomic = "64")]
fn busy(runtime: &RuntimeMetrics) -> Option<f64> {
    let workers = 0..runtime.num_workers();
    Some(workers.map(|worker| runtime.worker_total_busy_duration(worker).as_secs_f64()).sum())
}

/// Without atomic numbers of 64 bits, tokio does not count it.
#[cfg(not(target_has_atomic = "64"))]
fn busy(_: &RuntimeMetrics) -> Option<f64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Exposition, Metrics, Recorder};

    #[test]
    fn a_runtime_of_three_workers_has_three_and_its_waiting_task_is_alive() {
        let running =
            tokio::runtime::Builder::new_multi_thread().worker_threads(3).build().expect("a runtime");
        drop(running.spawn(std::future::pending::<()>()));
        let recorder = Recorder::new(&Metrics::new());
        recorder.add_source(runtime(running.metrics()));
        let page = recorder.render(Exposition::Text);
        for line in ["\ntokio_workers 3\n", "\ntokio_alive_tasks 1\n", "\ntokio_global_queue_depth "] {
            assert!(page.contains(line), "{line:?} is not in {page}");
        }
        drop(running);
        // A runtime that has ended is still asked, and answers.
        assert!(recorder.render(Exposition::Text).contains("\ntokio_workers_busy_seconds_total "));
    }
}
