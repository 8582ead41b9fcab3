//! A table that all threads read without a lock: entries are added, up to a limit, and never removed.
//!
//! What it is for: a request looks up its route and its series. Both sets are small, are complete after the first
//! minutes, and are asked by every thread at once. So a look-up may not write to memory that threads share, which a
//! `RwLock` around a `HashMap` does at each reading; and an entry has a number for as long as the process lives, by
//! which the request's record refers to it.
//!
//! How: slots at least twice as many as the limit, each a [`OnceLock`]. A key begins its search at the slot of its hash and goes
//! on to the next until it finds itself or a free one. Two threads that want the same free slot wait for each other
//! once; the second finds the first one's key, and goes on if it is a different one.
//!
//! What it costs is counted by `cargo bench -p benches --bench request`. The hash is a multiplication for each field, since
//! the standard one takes 650 instructions more for the look-ups of a request. What a caller can send (a host, a route
//! of its making) is bounded by the limit, so a search over keys that collide is as well.

use std::borrow::Borrow;
use std::hash::{Hash, Hasher};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The most entries.
#[derive(Debug)]
pub(crate) struct Table<K, V> {
    limit: usize,
    used: AtomicUsize,
    // Allocated with the first entry, because most tables of a service stay empty.
    slots: OnceLock<Box<[Slot<K, V>]>>,
}

/// An entry, once it is there.
type Slot<K, V> = OnceLock<(K, V)>;

/// The hash of a key so far; its upper half depends on all that was written.
struct Mixed(u64);

impl Hasher for Mixed {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks();
        words.iter().for_each(|word| self.write_u64(u64::from_le_bytes(*word)));
        if !rest.is_empty() {
            self.write_u64(rest.iter().fold(0, |word, byte| word << 8 | u64::from(*byte)));
        }
    }

    #[inline]
    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    #[inline]
    fn write_u8(&mut self, word: u8) {
        self.write_u64(word.into());
    }

    #[inline]
    fn write_u16(&mut self, word: u16) {
        self.write_u64(word.into());
    }

    #[inline]
    fn write_usize(&mut self, word: usize) {
        self.write_u64(word as u64);
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.0 >> 32
    }
}

impl<K: Hash + Eq, V> Table<K, V> {
    pub(crate) const fn new(limit: usize) -> Self {
        Self { limit, used: AtomicUsize::new(0), slots: OnceLock::new() }
    }

    /// The number and the value of this key, if there is an entry.
    #[inline]
    pub(crate) fn find<Q>(&self, key: &Q) -> Option<(usize, &V)>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let slots = self.slots();
        let mut number = first_of(key);
        for _ in slots {
            number &= slots.len() - 1;
            let (known, value) = slots.get(number)?.get()?;
            if known.borrow() == key {
                return Some((number, value));
            }
            number += 1;
        }
        None
    }

    /// The number and the value of this key, which `make` supplies if there is no entry. `None` if the table is full.
    #[inline]
    pub(crate) fn find_or_add<Q>(&self, key: &Q, make: impl Fn() -> (K, V)) -> Option<(usize, &V)>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let slots = self.slots();
        let mut number = first_of(key);
        for _ in slots {
            number &= slots.len() - 1;
            let slot = slots.get(number)?;
            let (known, value) = match slot.get() {
                Some(entry) => entry,
                None if self.used.load(Ordering::Relaxed) >= self.limit => return None,
                None => slot.get_or_init(|| {
                    self.used.fetch_add(1, Ordering::Relaxed);
                    make()
                }),
            };
            if known.borrow() == key {
                return Some((number, value));
            }
            number += 1;
        }
        None
    }

    /// The entry of this number.
    pub(crate) fn entry(&self, number: usize) -> Option<&(K, V)> {
        self.slots.get()?.get(number)?.get()
    }

    /// All entries, in no particular order.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &(K, V)> {
        self.slots.get().into_iter().flatten().filter_map(OnceLock::get)
    }

    #[inline]
    fn slots(&self) -> &[Slot<K, V>] {
        let free = || (0..(2 * self.limit).next_power_of_two()).map(|_| OnceLock::new()).collect();
        self.slots.get_or_init(free)
    }
}

/// Where the search for this key begins, before it is brought into the slots' range.
#[inline]
fn first_of<Q: Hash + ?Sized>(key: &Q) -> usize {
    let mut hasher = Mixed(0);
    key.hash(&mut hasher);
    hasher.finish() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_keeps_its_number_and_beyond_the_limit_there_is_none() {
        let table = Table::<Box<str>, usize>::new(3);
        assert_eq!(table.find("a"), None);
        let keys = ["a", "b", "c", "d"];
        let add = |key: &str| table.find_or_add(key, || (key.into(), key.len())).map(|(number, _)| number);
        let numbers = keys.map(add);
        assert_eq!(keys.map(add), numbers);
        assert_eq!(keys.map(|key| table.find(key).map(|(number, _)| number)), numbers);
        assert!(numbers[..3].iter().all(Option::is_some) && numbers[3].is_none());
        for (key, number) in keys.iter().zip(numbers).take(3) {
            assert_eq!(table.entry(number.expect("added")).map(|(known, _)| &**known), Some(*key));
        }
        assert_eq!(table.entry(usize::MAX), None);
    }

    #[test]
    fn threads_that_add_at_once_agree_on_each_entry() {
        let table = Table::<usize, usize>::new(2_000);
        let numbers =
            || -> Vec<_> { (0..500).map(|key| table.find_or_add(&key, || (key, key * 2))).collect() };
        let found = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(numbers)).collect();
            threads.into_iter().map(|thread| thread.join().expect("no panic")).collect::<Vec<_>>()
        });
        assert!(found.windows(2).all(|pair| pair[0] == pair[1]));
        assert!(
            found[0].iter().enumerate().all(|(key, found)| found.is_some_and(|(_, value)| *value == key * 2))
        );
        assert_eq!(table.used.load(Ordering::Relaxed), 500);
    }
}
