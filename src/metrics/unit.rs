//! The units of the user's metrics, as OTLP writes them.

use ::metrics::Unit;

/// The unit in UCUM: as described, else by the name's last word; empty if neither says it.
pub(super) fn ucum(name: &str, described: Option<Unit>) -> &'static str {
    match described {
        Some(Unit::Percent) => "%",
        Some(Unit::Seconds) => "s",
        Some(Unit::Milliseconds) => "ms",
        Some(Unit::Microseconds) => "us",
        Some(Unit::Nanoseconds) => "ns",
        Some(Unit::Tebibytes) => "TiBy",
        Some(Unit::Gibibytes) => "GiBy",
        Some(Unit::Mebibytes) => "MiBy",
        Some(Unit::Kibibytes) => "KiBy",
        Some(Unit::Bytes) => "By",
        Some(Unit::TerabitsPerSecond) => "Tbit/s",
        Some(Unit::GigabitsPerSecond) => "Gbit/s",
        Some(Unit::MegabitsPerSecond) => "Mbit/s",
        Some(Unit::KilobitsPerSecond) => "kbit/s",
        Some(Unit::BitsPerSecond) => "bit/s",
        Some(Unit::CountPerSecond) => "{count}/s",
        // A dimensionless gauge would be a ratio to who reads it.
        Some(Unit::Count) => "",
        None => match name.rsplit_once('_').map_or(name, |(_, last)| last) {
            "seconds" => "s",
            "milliseconds" => "ms",
            "bytes" => "By",
            "ratio" => "1",
            _ => "",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_described_has_precedence_over_the_name() {
        assert_eq!(ucum("wait_seconds", None), "s");
        assert_eq!(ucum("wait_seconds", Some(Unit::Milliseconds)), "ms");
        assert_eq!(
            [ucum("page_bytes", None), ucum("hit_ratio", None), ucum("orders", None)],
            ["By", "1", ""]
        );
        assert_eq!(ucum("orders", Some(Unit::Count)), "");
    }
}
