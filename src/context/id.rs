//! The ids of W3C trace context: trace id, span id, flags.

use std::cell::RefCell;
use std::error::Error;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::num::{NonZeroU64, NonZeroU128};
use std::str::FromStr;

use super::hex;

use rand::distr::{Distribution, StandardUniform};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use serde_core::{Serialize, Serializer};

/// The text is none of the id that was asked for.
///
/// ```
/// use tower_observability::context::{InvalidId, TraceId};
///
/// let refused: Result<TraceId, InvalidId> = "4711".parse();
/// assert_eq!(refused.unwrap_err().to_string(), "a trace id has 32 lower-case hex digits, not all of them zero");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidId(pub(super) &'static str);

/// The 16 bytes that all spans and log lines of one request share, in every service. Never zero.
///
/// ```
/// use tower_observability::context::TraceId;
///
/// let id = TraceId::new(0x4bf92f3577b34da6a3ce929d0e0e4736).ok_or("zero")?;
/// assert_eq!(id.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TraceId(NonZeroU128);

/// The 8 bytes that name one span. Never zero.
///
/// ```
/// use tower_observability::context::SpanId;
///
/// let id = SpanId::new(0x00f067aa0ba902b7).ok_or("zero")?;
/// assert_eq!(id.to_string(), "00f067aa0ba902b7");
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpanId(NonZeroU64);

/// The trace flags: `sampled` (0x01) and `random` (0x02, level 2); every other bit is zero.
///
/// Flags that came by B3 or Jaeger also remember what W3C cannot say, such as B3's debug; it is no part of the byte, and
/// two flags of the same byte are equal.
///
/// ```
/// use tower_observability::context::Flags;
///
/// let flags = Flags::from_byte(0xff);
/// assert!(flags.is_sampled() && flags.is_random());
/// assert_eq!(flags.byte(), 0x03);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Flags {
    byte: u8,
    beyond: Beyond,
}

/// What other formats say and W3C cannot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Beyond {
    #[default]
    Nothing,
    /// Sampled by B3's or Jaeger's debug flag, which is to be handed on.
    Debug,
    /// A B3 caller named the trace and left the decision to us.
    Deferred,
    /// The ids were made up here, for a B3 caller who sent a decision alone.
    Invented,
}

const SAMPLED: u8 = 0x01;
const RANDOM: u8 = 0x02;

thread_local! {
    static RNG: RefCell<SmallRng> = RefCell::new(SmallRng::from_os_rng());
}

/// Uniform random bits from the thread's generator, seeded by the operating system.
#[inline]
pub(crate) fn random<T>() -> T
where
    StandardUniform: Distribution<T>,
{
    // At a thread's very end its generator is gone; a fresh one serves that last request.
    RNG.try_with(|rng| rng.borrow_mut().random()).unwrap_or_else(|_| SmallRng::from_os_rng().random())
}

/// Lower-case hex digits as text; `N` ASCII bytes are always valid UTF-8.
fn text<const N: usize>(digits: &[u8; N]) -> &str {
    std::str::from_utf8(digits).unwrap_or_default()
}

impl TraceId {
    /// A placeholder for an id that is not known yet.
    pub(super) const BLANK: Self = Self(NonZeroU128::MIN);

    /// `None` for zero, which the standard forbids.
    #[must_use]
    pub const fn new(value: u128) -> Option<Self> {
        match NonZeroU128::new(value) {
            Some(value) => Some(Self(value)),
            None => None,
        }
    }

    /// A new id, uniform in all 128 bits, so that the `random` flag may be set.
    #[must_use]
    #[inline]
    pub fn random() -> Self {
        loop {
            if let Some(id) = Self::new(random()) {
                return id;
            }
        }
    }

    /// The id of 1 to 32 lower-case hex digits; what is missing on the left is zero.
    #[inline]
    pub(super) fn from_digits(digits: &[u8]) -> Option<Self> {
        let (high, low) = digits.split_at(digits.len().saturating_sub(16));
        let high = if high.is_empty() { 0 } else { hex::number(high)? };
        Self::new(u128::from(high) << 64 | u128::from(hex::number(low)?))
    }

    /// The id of 32 lower-case hex digits.
    #[inline]
    pub(super) fn from_hex(digits: &[u8; 32]) -> Option<Self> {
        let (high, low) = digits.split_at(16);
        Self::new(u128::from(hex::number(high)?) << 64 | u128::from(hex::number(low)?))
    }

    /// The id as a number, most significant byte first.
    #[must_use]
    pub const fn value(self) -> u128 {
        self.0.get()
    }

    /// The id's 32 lower-case hex digits, without an allocation.
    #[must_use]
    pub fn hex(self) -> [u8; 32] {
        let mut text = [0; 32];
        text.copy_from_slice(hex::pairs(&self.value().to_be_bytes()).as_flattened());
        text
    }

    /// The right-most 56 bits, the randomness `R` that a consistent sampler compares.
    #[must_use]
    pub const fn randomness(self) -> u64 {
        (self.0.get() & 0x00ff_ffff_ffff_ffff) as u64
    }
}

impl SpanId {
    /// A placeholder for an id that is not known yet.
    pub(super) const BLANK: Self = Self(NonZeroU64::MIN);

    /// `None` for zero, which the standard forbids.
    #[must_use]
    pub const fn new(value: u64) -> Option<Self> {
        match NonZeroU64::new(value) {
            Some(value) => Some(Self(value)),
            None => None,
        }
    }

    /// A new id.
    #[must_use]
    pub fn random() -> Self {
        loop {
            if let Some(id) = Self::new(random()) {
                return id;
            }
        }
    }

    /// The id of 1 to 16 lower-case hex digits; what is missing on the left is zero.
    #[inline]
    pub(super) fn from_digits(digits: &[u8]) -> Option<Self> {
        Self::new(hex::number(digits)?)
    }

    /// The id as a number, most significant byte first.
    #[must_use]
    pub const fn value(self) -> u64 {
        self.0.get()
    }

    /// The id's 16 lower-case hex digits, without an allocation.
    #[must_use]
    pub fn hex(self) -> [u8; 16] {
        let mut text = [0; 16];
        text.copy_from_slice(hex::pairs(&self.value().to_be_bytes()).as_flattened());
        text
    }
}

impl Flags {
    /// Neither sampled nor random.
    pub const NONE: Self = Self::of(0, Beyond::Nothing);
    /// Sampled.
    pub const SAMPLED: Self = Self::of(SAMPLED, Beyond::Nothing);
    /// The trace id's last 56 bits are random.
    pub const RANDOM: Self = Self::of(RANDOM, Beyond::Nothing);
    /// Sampled by B3's or Jaeger's debug flag.
    pub(crate) const DEBUG: Self = Self::of(SAMPLED, Beyond::Debug);
    /// Not decided by the caller.
    pub(crate) const DEFERRED: Self = Self::of(0, Beyond::Deferred);
    /// Not sampled, on ids that were made up here; they are random.
    pub(crate) const INVENTED: Self = Self::of(RANDOM, Beyond::Invented);

    const fn of(byte: u8, beyond: Beyond) -> Self {
        Self { byte, beyond }
    }

    /// Keeps the bits that level 2 defines; the others are dropped, as the standard demands.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Self {
        Self::of(byte & (SAMPLED | RANDOM), Beyond::Nothing)
    }

    /// The flags as sent.
    #[must_use]
    pub const fn byte(self) -> u8 {
        self.byte
    }

    /// Is the trace recorded?
    #[must_use]
    pub const fn is_sampled(self) -> bool {
        self.byte & SAMPLED != 0
    }

    /// Are the trace id's last 56 bits random?
    #[must_use]
    pub const fn is_random(self) -> bool {
        self.byte & RANDOM != 0
    }

    /// These flags with the sampled bit set or cleared.
    #[must_use]
    pub const fn with_sampled(self, sampled: bool) -> Self {
        // What was deferred is decided with it; debug stays, unless it is overruled.
        let beyond = if sampled && self.is_debug() { Beyond::Debug } else { Beyond::Nothing };
        Self::of(self.byte & RANDOM | sampled as u8, beyond)
    }

    /// Does the trace carry another format's debug flag?
    pub(crate) const fn is_debug(self) -> bool {
        matches!(self.beyond, Beyond::Debug)
    }

    /// Is the decision left to us?
    pub(crate) const fn is_deferred(self) -> bool {
        matches!(self.beyond, Beyond::Deferred)
    }

    /// Were the ids made up here, for a decision that came without any?
    pub(crate) const fn is_invented(self) -> bool {
        matches!(self.beyond, Beyond::Invented)
    }

    /// These flags with what another format decided about the same span, where it decided anything.
    pub(crate) const fn decided_by(self, later: Self) -> Self {
        if later.is_deferred() {
            self
        } else {
            Self::of(self.byte & RANDOM | later.byte & SAMPLED, later.beyond)
        }
    }

    /// The two lower-case hex digits.
    #[must_use]
    pub const fn hex(self) -> [u8; 2] {
        // Two bits are one digit.
        [b'0', b'0' + self.byte]
    }
}

/// As W3C compares them: by the byte.
impl PartialEq for Flags {
    fn eq(&self, other: &Self) -> bool {
        self.byte == other.byte
    }
}

impl Eq for Flags {}

impl Hash for Flags {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.byte.hash(state);
    }
}

impl fmt::Display for InvalidId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for InvalidId {}

/// From its 32 lower-case hex digits.
impl FromStr for TraceId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let id = Self::from_digits(text.as_bytes()).filter(|_| text.len() == 32);
        id.ok_or(InvalidId("a trace id has 32 lower-case hex digits, not all of them zero"))
    }
}

/// From its 16 lower-case hex digits.
impl FromStr for SpanId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let id = Self::from_digits(text.as_bytes()).filter(|_| text.len() == 16);
        id.ok_or(InvalidId("a span id has 16 lower-case hex digits, not all of them zero"))
    }
}

/// As its hex digits.
impl Serialize for TraceId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(text(&self.hex()))
    }
}

/// As its hex digits.
impl Serialize for SpanId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(text(&self.hex()))
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(text(&self.hex()))
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TraceId({self})")
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(text(&self.hex()))
    }
}

impl fmt::Debug for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SpanId({self})")
    }
}

impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(text(&self.hex()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_print_as_lower_case_hex_with_leading_zeros() {
        assert_eq!(
            TraceId::new(0xab).map(|id| id.to_string()).as_deref(),
            Some("000000000000000000000000000000ab")
        );
        assert_eq!(SpanId::new(0xab).map(|id| id.to_string()).as_deref(), Some("00000000000000ab"));
        assert_eq!(Flags::SAMPLED.to_string(), "01");
    }

    #[test]
    fn what_an_id_prints_is_what_it_is_read_from_and_serialized_as() {
        let (trace, span) = (TraceId::random(), SpanId::random());
        assert_eq!((trace.to_string().parse(), span.to_string().parse()), (Ok(trace), Ok(span)));
        assert_eq!(
            serde_json::json!([trace, span]),
            serde_json::json!([trace.to_string(), span.to_string()])
        );
        for wrong in ["", "0", "ab", &"A".repeat(32), &"A".repeat(16), &"0".repeat(32), &"0".repeat(16), "é"]
        {
            assert!(wrong.parse::<TraceId>().is_err() && wrong.parse::<SpanId>().is_err(), "{wrong}");
        }
        assert!(span.to_string().parse::<TraceId>().is_err() && trace.to_string().parse::<SpanId>().is_err());
        assert!(format!("{trace}0").parse::<TraceId>().is_err());
    }

    #[test]
    fn a_zero_id_does_not_exist() {
        assert!(TraceId::new(0).is_none() && SpanId::new(0).is_none());
    }

    #[test]
    fn unknown_flag_bits_are_dropped_and_sampled_is_set_alone() {
        assert_eq!(Flags::from_byte(0xfe).byte(), 0x02);
        assert_eq!(Flags::RANDOM.with_sampled(true).byte(), 0x03);
        assert_eq!(Flags::from_byte(0x03).with_sampled(false).byte(), 0x02);
    }

    #[test]
    fn what_w3c_cannot_say_is_remembered_and_neither_written_nor_compared() {
        for (flags, byte) in [(Flags::DEBUG, 1), (Flags::DEFERRED, 0), (Flags::INVENTED, 2)] {
            assert_eq!((flags.byte(), flags.hex()), (byte, [b'0', b'0' + byte]));
            assert_eq!(flags, Flags::from_byte(byte));
            assert_eq!(std::collections::HashSet::from([flags, Flags::from_byte(byte)]).len(), 1);
        }
        assert!(Flags::DEBUG.with_sampled(true).is_debug() && !Flags::DEBUG.with_sampled(false).is_debug());
        assert!(Flags::DEBUG.is_sampled() && !Flags::DEBUG.is_deferred() && !Flags::DEBUG.is_invented());
        for flags in [Flags::DEFERRED, Flags::INVENTED] {
            assert!(!flags.is_sampled() && flags.is_deferred() != flags.is_invented());
            for sampled in [true, false] {
                let decided = flags.with_sampled(sampled);
                assert!(!decided.is_deferred() && !decided.is_invented() && !decided.is_debug());
            }
        }
    }

    #[test]
    fn random_ids_differ_between_threads_and_calls() {
        let other = std::thread::spawn(TraceId::random).join().expect("a thread");
        let (first, second) = (TraceId::random(), TraceId::random());
        assert!(first != second && first != other);
    }
}
