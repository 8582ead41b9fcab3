//! The source about disk space: of the paths that the operator names, each asked on a thread of its own.
//!
//! A network mount whose server is gone holds the thread that asks it, for ever. So a path is asked by a thread that the
//! page waits for a moment only; while that thread is held, its path is neither asked again nor on the page.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::metrics::source::{Samples, Source};
use crate::names::{label, metric};

/// What a file system says of its space, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Space {
    total: u64,
    /// What every user may still write.
    free: u64,
    /// What only the system's administrator may still write.
    reserved: u64,
}

type Read = fn(&Path) -> Option<Space>;

/// A path, and whether a thread is asking it right now.
#[derive(Debug)]
struct Watched {
    path: PathBuf,
    asked: Arc<AtomicBool>,
}

/// What a local disk needs thousand times over; a page may be late by so much, once, when a mount hangs.
const PATIENCE: Duration = Duration::from_millis(50);

/// The space of these paths; `None` if there are none.
pub(crate) fn disk_space(paths: &[PathBuf]) -> Option<Source> {
    let mut paths = paths.to_vec();
    paths.sort_unstable();
    paths.dedup();
    let watched: Vec<_> = paths.into_iter().map(Watched::new).collect();
    if watched.is_empty() {
        return None;
    }
    // With two scrapes at once, the second would find each path being asked, and would leave it out.
    let watched = Mutex::new(watched);
    Some(Source::new("system_filesystem_", move |samples| {
        let watched = watched.lock().unwrap_or_else(PoisonError::into_inner);
        for (path, space) in ask(&watched, space) {
            add(samples, &path.to_string_lossy(), space);
        }
    }))
}

impl Watched {
    fn new(path: PathBuf) -> Self {
        Self { path, asked: Arc::default() }
    }

    /// Has the path asked; says whether an answer is to be waited for.
    fn ask(&self, place: usize, read: Read, answers: Sender<(usize, Option<Space>)>) -> bool {
        if self.asked.swap(true, Ordering::AcqRel) {
            return false;
        }
        let (path, asked) = (self.path.clone(), Arc::clone(&self.asked));
        let thread = thread::Builder::new().name("observability".to_owned()).spawn(move || {
            let space = read(&path);
            asked.store(false, Ordering::Release);
            // An answer that is late is not waited for any more.
            let _ = answers.send((place, space));
        });
        if thread.is_err() {
            self.asked.store(false, Ordering::Release);
        }
        thread.is_ok()
    }
}

/// Those that answer in time.
fn ask(watched: &[Watched], read: Read) -> Vec<(&Path, Space)> {
    let (answers, answered) = mpsc::channel();
    let asked = watched.iter().enumerate().filter(|(place, path)| path.ask(*place, read, answers.clone()));
    let asked = asked.count();
    let until = Instant::now() + PATIENCE;
    let next = || answered.recv_timeout(until.saturating_duration_since(Instant::now())).ok();
    let mut found: Vec<_> = std::iter::from_fn(next).take(asked).collect();
    found.sort_unstable_by_key(|(place, _)| *place);
    let answered =
        |(place, space): (usize, Option<Space>)| Some((watched.get(place)?.path.as_path(), space?));
    found.into_iter().filter_map(answered).collect()
}

fn add(samples: &mut Samples, path: &str, space: Space) {
    let path = (label::PATH, path);
    samples.family(metric::SYSTEM_FILESYSTEM_LIMIT).sample(&[path], space.total as f64);
    let usage = samples.family(metric::SYSTEM_FILESYSTEM_USAGE);
    let used = space.total.saturating_sub(space.free).saturating_sub(space.reserved);
    for (state, bytes) in [("used", used), ("free", space.free), ("reserved", space.reserved)] {
        usage.sample(&[path, (label::SYSTEM_FILESYSTEM_STATE, state)], bytes as f64);
    }
}

#[cfg(unix)]
fn space(path: &Path) -> Option<Space> {
    let read = rustix::fs::statvfs(path).ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(read.f_frsize);
    let reserved = read.f_bfree.saturating_sub(read.f_bavail);
    let space = Space { total: bytes(read.f_blocks), free: bytes(read.f_bavail), reserved: bytes(reserved) };
    // A file system without blocks, such as /proc, has no size.
    (space.total > 0).then_some(space)
}

#[cfg(not(unix))]
fn space(_: &Path) -> Option<Space> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Exposition, Metrics, Recorder};

    fn page(paths: &[&str]) -> String {
        let recorder = Recorder::new(&Metrics::new());
        let paths: Vec<_> = paths.iter().map(PathBuf::from).collect();
        disk_space(&paths).into_iter().for_each(|source| recorder.add_source(source));
        recorder.render(Exposition::Text)
    }

    #[cfg(unix)]
    #[test]
    fn a_path_has_its_size_and_one_that_is_not_there_is_absent() {
        let page = page(&["/", "/nowhere/at/all", "/"]);
        assert_eq!(page.matches("system_filesystem_limit_bytes{path=\"/\"} ").count(), 1, "{page}");
        assert_eq!(page.matches("\nsystem_filesystem_usage_bytes{").count(), 3, "{page}");
        assert!(!page.contains("nowhere"), "{page}");
    }

    #[test]
    fn without_a_path_there_is_no_family() {
        assert!(!page(&[]).contains("system_filesystem"));
    }

    static HELD: Mutex<()> = Mutex::new(());

    fn held(path: &Path) -> Option<Space> {
        if path.ends_with("hangs") {
            drop(HELD.lock());
        }
        Some(Space { total: 10, free: 5, reserved: 1 })
    }

    /// The first answer that is awaited, asked for a minute.
    fn first(watched: &[Watched], is_awaited: fn(&[(&Path, Space)]) -> bool) -> Vec<PathBuf> {
        let until = Instant::now() + Duration::from_secs(60);
        let tries = std::iter::repeat_with(|| ask(watched, held)).take_while(|_| Instant::now() < until);
        let found = tries.into_iter().find(|found| is_awaited(found)).unwrap_or_default();
        found.into_iter().map(|(path, _)| path.to_owned()).collect()
    }

    #[test]
    fn a_path_that_hangs_is_asked_by_one_thread_only_and_keeps_no_other_from_the_page() {
        let watched = ["/hangs", "/well"].map(|path| Watched::new(path.into()));
        let hold = HELD.lock();
        for _ in 0..3 {
            // The other is slow at worst, where the machine is busy.
            assert_eq!(first(&watched, |found| !found.is_empty()), [Path::new("/well")]);
        }
        assert_eq!(Arc::strong_count(&watched[0].asked), 2, "one thread for all of the questions");
        drop(hold);
        // Where the machine is busy, an answer is late now and then; here each of both may be another time.
        assert_eq!(
            first(&watched, |found| found.iter().any(|(path, _)| path.ends_with("hangs")))[0],
            Path::new("/hangs")
        );
    }
}
