//! The promise of one `init` per process.

use std::panic::Location;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::Error;

static STARTED: Mutex<Option<&'static Location<'static>>> = Mutex::new(None);

/// The right to start. Dropped without [`keep`](Claim::keep), the next `init` may try.
#[derive(Debug)]
pub(super) struct Claim {
    kept: bool,
}

impl Claim {
    /// Takes the right for the call at this place.
    pub(super) fn take(place: &'static Location<'static>) -> Result<Self, Error> {
        match &mut *started() {
            Some(first) => Err(Error::already_started(first)),
            free => {
                *free = Some(place);
                Ok(Self { kept: false })
            }
        }
    }

    /// The start succeeded: nobody starts again.
    pub(super) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if !self.kept {
            *started() = None;
        }
    }
}

fn started() -> MutexGuard<'static, Option<&'static Location<'static>>> {
    STARTED.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_that_is_not_kept_leaves_the_next_one_free() {
        let first = Claim::take(Location::caller()).unwrap();
        let second = Claim::take(Location::caller()).unwrap_err();
        assert!(second.is_already_started());
        assert!(second.to_string().contains(file!()), "{second}");
        drop(first);
        drop(Claim::take(Location::caller()).unwrap());
    }
}
