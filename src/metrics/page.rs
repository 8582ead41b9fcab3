//! The page: all families in one order, written a piece at a time, so that all of it is never held or waited for.

use std::fmt;
use std::sync::Arc;
use std::vec;

use bytes::Bytes;

use super::Exposition;
use super::family::{Families, Family, Series};
use super::group::Group;
use super::histogram::Reading;
use super::source::{Asked, Samples};
use super::writing::Writing;
use crate::threads::rest_if_due;

/// What a piece has room for, in bytes: some dozen histograms' lines, less than what a handful of requests take.
const PIECE: usize = 32 * 1024;
/// With so much it is handed out. A series is not divided, and the usual one still fits.
pub(super) const ENOUGH: usize = PIECE - 8 * 1024;

/// A page that is being written: each piece as it is asked for. Between two of them nothing is locked, and recording
/// goes on; `# EOF` is in the last one only.
pub(crate) struct Page {
    families: Arc<Families>,
    coming: vec::IntoIter<Shown>,
    open: Option<Open>,
    reading: Reading,
    exposition: Exposition,
    is_complete: bool,
}

/// A page of whatever format, a piece at a time.
pub(crate) trait Pieces: fmt::Debug + Send {
    /// The next piece; never an empty one.
    fn next_piece(&mut self) -> Option<Bytes>;

    /// Was the last piece handed out?
    fn is_complete(&self) -> bool;
}

/// A family that is on the page.
pub(super) enum Shown {
    Kept(Arc<Family>),
    Asked(Box<Asked>),
}

/// The family that is being written: its head is, its series are up to the last one.
struct Open {
    family: Arc<Family>,
    last: Option<Arc<str>>,
}

impl Page {
    /// The families and samples of this moment; the values are read when their piece is written.
    pub(super) fn new(families: Arc<Families>, samples: Samples, exposition: Exposition) -> Self {
        let coming = Shown::all(&families, samples).into_iter();
        Self { families, coming, open: None, reading: Reading::default(), exposition, is_complete: false }
    }

    /// Writes a little more.
    fn write(&mut self, writing: &mut Writing) {
        if let Some(mut open) = self.open.take() {
            if !open.write(&mut self.reading, writing) {
                self.open = Some(open);
            }
            return;
        }
        match self.coming.next() {
            Some(Shown::Kept(family)) => {
                writing.kept(&self.families, &family);
                self.open = Some(Open { family, last: None });
            }
            Some(Shown::Asked(asked)) => writing.asked(&asked),
            None => {
                writing.end();
                self.is_complete = true;
            }
        }
    }
}

impl Iterator for Page {
    type Item = String;

    /// The next piece; never an empty one.
    fn next(&mut self) -> Option<String> {
        let mut writing = Writing::new(self.exposition, if self.is_complete { 0 } else { PIECE });
        while !self.is_complete && writing.text.len() < ENOUGH {
            self.write(&mut writing);
        }
        Some(writing.text).filter(|text| !text.is_empty())
    }
}

impl Pieces for Page {
    fn next_piece(&mut self) -> Option<Bytes> {
        self.next().map(Bytes::from)
    }

    fn is_complete(&self) -> bool {
        self.is_complete
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page").field("coming", &self.coming.len()).finish_non_exhaustive()
    }
}

impl Shown {
    /// All families, in the order of their names.
    pub(super) fn all(families: &Families, samples: Samples) -> Vec<Self> {
        let mut shown: Vec<_> = families.all().into_iter().map(Self::Kept).collect();
        shown.extend(samples.into_families().map(|asked| Self::Asked(Box::new(asked))));
        shown.sort_by(|one, other| one.name().cmp(other.name()));
        shown
    }

    fn name(&self) -> &str {
        match self {
            Self::Kept(family) => &family.name,
            Self::Asked(asked) => asked.name,
        }
    }
}

impl Open {
    /// Writes the next few series; whether there are no more.
    fn write(&mut self, reading: &mut Reading, writing: &mut Writing) -> bool {
        let (name, last) = (&*self.family.name, &mut self.last);
        match &self.family.series {
            Series::Counters(group) => {
                few(group, last, writing, |writing, labels, counter| writing.counter(name, labels, counter))
            }
            Series::Gauges(group) => {
                few(group, last, writing, |writing, labels, gauge| writing.gauge(name, labels, gauge))
            }
            Series::Histograms(bounds, group) => few(group, last, writing, |writing, labels, histogram| {
                histogram.read(reading);
                writing.histogram(name, labels, bounds, histogram, reading);
            }),
        }
    }
}

fn few<I>(
    group: &Group<I>,
    last: &mut Option<Arc<str>>,
    writing: &mut Writing,
    mut write: impl FnMut(&mut Writing, &str, &I),
) -> bool {
    let series = group.after(last.as_deref());
    for (labels, instrument) in &series {
        if writing.text.len() >= ENOUGH {
            return false;
        }
        write(writing, labels, instrument);
        rest_if_due();
        *last = Some(Arc::clone(labels));
    }
    series.is_empty()
}
