//! The `ot=` member of `tracestate`: OpenTelemetry's threshold `th` and its explicit randomness `rv`.
//!
//! Both are 56-bit numbers. A span is kept where its randomness is not below the threshold, so that 0 keeps all.

use smallvec::SmallVec;

use super::Tracestate;
use super::hex::number;

const KEY: &str = "ot";
/// 56 bits.
const DIGITS: usize = 14;
/// The first number that is no threshold any more: it would keep nothing.
const END: u64 = 1 << 56;

/// The longest value that a member of `tracestate` may have.
const LONGEST: usize = 256;

fn is_threshold(sub: &str) -> bool {
    sub.starts_with("th:")
}

/// The threshold's digits without the zeros at their end.
fn digits(threshold: u64) -> SmallVec<[u8; DIGITS]> {
    let digit = |place: usize| char::from_digit((threshold >> (4 * (DIGITS - 1 - place)) & 0xf) as u32, 16);
    let mut digits: SmallVec<[u8; DIGITS]> = (0..DIGITS).filter_map(digit).map(|digit| digit as u8).collect();
    while digits.len() > 1 && digits.last() == Some(&b'0') {
        digits.pop();
    }
    digits
}

impl Tracestate {
    /// The rejection threshold of the caller's sampler.
    pub(crate) fn ot_threshold(&self) -> Option<u64> {
        let digits = self.ot("th:")?.as_bytes();
        let missing = DIGITS.checked_sub(digits.len())?;
        Some(number(digits)? << (4 * missing))
    }

    /// The explicit randomness, which stands instead of the trace id's last 56 bits.
    pub(crate) fn ot_random(&self) -> Option<u64> {
        let digits = self.ot("rv:")?.as_bytes();
        number(digits).filter(|_| digits.len() == DIGITS)
    }

    /// The list with this threshold in its `ot` member, whose other parts stay.
    ///
    /// A threshold that does not fit into 56 bits, or not into the member, leaves the list without one: a wrong
    /// one would falsify every count that is made from it.
    #[must_use]
    pub(crate) fn with_ot_threshold(&self, threshold: u64) -> Self {
        let mut value = SmallVec::<[u8; LONGEST]>::from_slice(b"th:");
        value.extend_from_slice(&digits(threshold));
        for sub in self.ot_others() {
            value.push(b';');
            value.extend_from_slice(sub.as_bytes());
        }
        match std::str::from_utf8(&value) {
            Ok(value) if threshold < END && value.len() <= LONGEST => self.with(KEY, value),
            _ => self.without_ot_threshold(),
        }
    }

    /// The list without a threshold; the other parts of its `ot` member stay.
    #[must_use]
    pub(crate) fn without_ot_threshold(&self) -> Self {
        if self.ot("th:").is_none() {
            return self.clone();
        }
        let others = self.ot_others().collect::<SmallVec<[&str; 4]>>().join(";");
        if others.is_empty() { self.without(KEY) } else { self.with(KEY, &others) }
    }

    fn ot(&self, prefix: &str) -> Option<&str> {
        self.get(KEY)?.split(';').find_map(|sub| sub.strip_prefix(prefix))
    }

    fn ot_others(&self) -> impl Iterator<Item = &str> {
        let value = self.get(KEY).unwrap_or_default();
        value.split(';').filter(|sub| !sub.is_empty() && !is_threshold(sub))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(value: &str) -> Tracestate {
        Tracestate::parse([value.as_bytes()])
    }

    #[test]
    fn a_short_threshold_is_filled_with_zeros_on_its_right() {
        assert_eq!(read("a=1,ot=th:c").ot_threshold(), Some(0xc0_0000_0000_0000));
        assert_eq!(read("ot=rv:1;th:fd70a4").ot_threshold(), Some(0xfd_70a4_0000_0000));
        assert_eq!(read("ot=th:0").ot_threshold(), Some(0));
        assert_eq!(read("ot=th:ffffffffffffff").ot_threshold(), Some(END - 1));
    }

    #[test]
    fn randomness_has_all_its_fourteen_digits() {
        assert_eq!(read("ot=th:8;rv:6e6d1a75832a2f").ot_random(), Some(0x6e_6d1a_7583_2a2f));
        for wrong in
            ["ot=rv:6e6d1a75832a2", "ot=rv:6e6d1a75832a2f0", "ot=rv:6E6D1A75832A2F", "rv=1", "ot=rv:"]
        {
            assert_eq!(read(wrong).ot_random(), None, "{wrong}");
        }
    }

    #[test]
    fn a_threshold_that_is_no_number_is_none() {
        for wrong in ["ot=th:", "ot=th:g", "ot=th:C", "ot=th:000000000000000", "ot=xth:1", "ot=th", "x=th:1"]
        {
            assert_eq!(read(wrong).ot_threshold(), None, "{wrong}");
        }
    }

    #[test]
    fn a_threshold_is_written_into_the_member_and_all_else_stays() {
        let quarter = 0xc0_0000_0000_0000;
        assert_eq!(Tracestate::default().with_ot_threshold(quarter).as_str(), "ot=th:c");
        assert_eq!(Tracestate::default().with_ot_threshold(0).as_str(), "ot=th:0");
        assert_eq!(
            read("a=1,ot=rv:1;th:8;x:y,b=2").with_ot_threshold(quarter).as_str(),
            "ot=th:c;rv:1;x:y,a=1,b=2"
        );
    }

    #[test]
    fn a_threshold_is_taken_away_and_all_else_stays() {
        assert_eq!(read("a=1,ot=th:8;x:y").without_ot_threshold().as_str(), "ot=x:y,a=1");
        assert_eq!(read("a=1,ot=th:8").without_ot_threshold().as_str(), "a=1");
        assert_eq!(read("ot=th:8").without_ot_threshold(), Tracestate::default());
        assert_eq!(read("a=1,ot=x:y").without_ot_threshold().as_str(), "a=1,ot=x:y");
    }

    #[test]
    fn a_threshold_that_does_not_fit_leaves_none() {
        assert_eq!(read("a=1,ot=th:8").with_ot_threshold(END).as_str(), "a=1");
        let full = format!("ot=th:8;x:{}", "y".repeat(249));
        assert_eq!(read(&full).with_ot_threshold(END - 1).ot_threshold(), None);
    }

    proptest! {
        #[test]
        fn every_threshold_reads_back(threshold in 0..END, zeros in 0..14u32) {
            let threshold = threshold >> (4 * zeros) << (4 * zeros);
            let list = read("a=1,ot=x:y").with_ot_threshold(threshold);
            prop_assert_eq!(list.ot_threshold(), Some(threshold));
            prop_assert_eq!(read(list.as_str()), list);
        }
    }
}
