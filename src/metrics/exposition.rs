//! The choice of the format: what the scraper accepts, and what the answer calls itself.

/// A format of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exposition {
    /// Prometheus' text format 0.0.4, the one that everything reads; without exemplars.
    Text,
    /// OpenMetrics 1.0, with exemplars.
    OpenMetrics,
    /// Prometheus' protobuf, with exemplars and native histograms.
    Native,
}

impl Exposition {
    pub(crate) const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Native => {
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
            }
        }
    }

    /// The format that the `Accept` headers rank highest. Text where they say nothing, or nothing we know: a
    /// page in a format that was not asked for helps more than a 406. Protobuf only where there are native histograms.
    pub(crate) fn negotiate<'a>(accept: impl Iterator<Item = &'a str>, has_native: bool) -> Self {
        let mut best = (Self::Text, 0);
        for range in accept.flat_map(|header| header.split(',')) {
            let offered = offered(range).filter(|(format, _)| has_native || *format != Self::Native);
            if let Some((format, quality)) = offered {
                // Of two with the same rank, the one that carries more.
                let better = quality == best.1 && format > best.0 && quality > 0;
                if quality > best.1 || better {
                    best = (format, quality);
                }
            }
        }
        best.0
    }
}

/// What a media range asks for, if it is ours, and how much it is wanted, in thousandths.
fn offered(range: &str) -> Option<(Exposition, u32)> {
    let mut parts = range.split(';').map(str::trim);
    let media = parts.next()?.to_ascii_lowercase();
    let (mut quality, mut version, mut form) = (1_000, None, [None, None]);
    for (name, value) in parts.filter_map(|parameter| parameter.split_once('=')) {
        match name.trim().to_ascii_lowercase().as_str() {
            "q" => quality = thousandths(value.trim())?,
            "version" => version = Some(value.trim().trim_matches('"')),
            "proto" => form[0] = Some(value.trim()),
            "encoding" => form[1] = Some(value.trim()),
            _ => {}
        }
    }
    let format = match (media.as_str(), version) {
        // What 1.0.0 writes, a reader of 0.0.1 reads.
        ("application/openmetrics-text", None | Some("1.0.0" | "0.0.1")) => Exposition::OpenMetrics,
        ("application/vnd.google.protobuf", _)
            if form == [Some("io.prometheus.client.MetricFamily"), Some("delimited")] =>
        {
            Exposition::Native
        }
        ("text/plain", None | Some("0.0.4")) | ("text/*" | "*/*", _) => Exposition::Text,
        _ => return None,
    };
    Some((format, quality))
}

fn thousandths(quality: &str) -> Option<u32> {
    let quality: f32 = quality.parse().ok()?;
    (0.0..=1.0).contains(&quality).then_some((quality * 1_000.0).round() as u32)
}

#[cfg(test)]
mod tests {
    use super::Exposition::{OpenMetrics, Text};
    use super::*;

    fn chosen(accept: &str) -> Exposition {
        Exposition::negotiate([accept].into_iter(), false)
    }

    #[test]
    fn prometheus_itself_gets_openmetrics() {
        let sent = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
                    application/openmetrics-text;version=0.0.1;q=0.4,\
                    text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
        assert_eq!(chosen(sent), OpenMetrics);
    }

    #[test]
    fn protobuf_is_for_who_ranks_it_highest_and_where_there_are_native_histograms() {
        let ranked = |quality: &str| {
            format!(
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;\
                 q={quality},application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3"
            )
        };
        let chosen = |accept: &str, has_native| Exposition::negotiate([accept].into_iter(), has_native);
        assert_eq!(chosen(&ranked("0.6"), true), Exposition::Native);
        assert_eq!(chosen(&ranked("0.6"), false), OpenMetrics);
        assert_eq!(chosen(&ranked("0.4"), true), OpenMetrics);
        assert_eq!(chosen("application/vnd.google.protobuf;proto=other;encoding=text", true), Text);
    }

    #[test]
    fn without_a_wish_the_text_that_everything_reads() {
        assert_eq!(Exposition::negotiate(std::iter::empty(), false), Text);
        for accept in
            ["", "*/*", "text/html", "application/json, */*;q=0.1", ";;=,q", "text/plain;version=0.0.4"]
        {
            assert_eq!(chosen(accept), Text, "{accept}");
        }
    }

    #[test]
    fn the_quality_decides_and_zero_refuses() {
        assert_eq!(chosen("application/openmetrics-text;q=0.3, text/plain;q=0.7"), Text);
        assert_eq!(chosen("application/openmetrics-text;q=0.7, text/plain;q=0.3"), OpenMetrics);
        assert_eq!(chosen("text/plain, application/openmetrics-text"), OpenMetrics);
        assert_eq!(chosen("application/openmetrics-text; q=0"), Text);
        assert_eq!(chosen("application/openmetrics-text; q=much, text/plain; q=0.1"), Text);
        assert_eq!(chosen("APPLICATION/OpenMetrics-Text ; VERSION=\"1.0.0\" ; Q=0.9"), OpenMetrics);
        assert_eq!(chosen("application/openmetrics-text;version=2.0.0"), Text);
    }

    #[test]
    fn headers_that_come_several_times_count_together() {
        let headers = ["text/plain;q=0.2", "application/openmetrics-text;q=0.4"];
        assert_eq!(Exposition::negotiate(headers.into_iter(), false), OpenMetrics);
    }
}
