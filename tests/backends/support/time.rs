//! The reading of a time of day and date, in UTC.

/// The nanoseconds since 1970 of `2026-11-21T14:24:39.191201Z`, and of `2026-11-21 14:24:39.191201 +0000 UTC`.
///
/// # Panics
///
/// If it is none of both.
pub fn nanoseconds(text: &str) -> i64 {
    let utc = text.strip_suffix('Z').or(text.strip_suffix(" +0000 UTC"));
    let time = utc.unwrap_or_else(|| panic!("not in UTC: {text:?}"));
    let number = |digits: &str| digits.parse::<i64>().unwrap_or_else(|_| panic!("no time: {text:?}"));
    let part = |range: std::ops::Range<usize>| number(&time[range]);
    // Years begin in March here, so that a leap day is a year's last.
    let (year, month, day) = match (part(0..4), part(5..7), part(8..10)) {
        (year, month @ ..3, day) => (year - 1, month + 9, day),
        (year, month, day) => (year, month - 3, day),
    };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468;
    let seconds = ((days * 24 + part(11..13)) * 60 + part(14..16)) * 60 + part(17..19);
    let fraction = time[19..].trim_start_matches('.');
    seconds * 1_000_000_000 + number(&format!("{fraction:0<9}"))
}

#[test]
fn times_of_both_spellings_are_read() {
    assert_eq!(nanoseconds("1970-01-01 00:00:00 +0000 UTC"), 0);
    assert_eq!(nanoseconds("2000-02-29 12:00:00.5 +0000 UTC"), 951_825_600_500_000_000);
    assert_eq!(nanoseconds("2026-11-21 14:23:22.988779613 +0000 UTC"), 1_795_271_002_988_779_613);
    assert_eq!(nanoseconds("2026-11-21T14:23:22.988779Z"), 1_795_271_002_988_779_000);
}
