//! How many messages a request holds, told before it is decoded: an empty one is two bytes when it arrives, and hundreds once
//! it is decoded.

/// A request may hold so many: resources, scopes, spans, lines, points, attributes and all else of which there can be several.
pub(super) const MOST_MESSAGES: usize = 200_000;
/// In JSON an attribute is an object, and its value another.
pub(super) const MOST_OPENINGS: usize = 2 * MOST_MESSAGES;
/// The decoder goes no deeper either.
const DEEPEST: u32 = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    Traces,
    Logs,
    Metrics,
}

/// A message, as far as others lie within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Request(Signal),
    /// What one resource sent.
    Group(Signal),
    ScopeGroup(Signal),
    Resource,
    Entity,
    Scope,
    Span,
    SpanEvent,
    SpanLink,
    Line,
    Metric,
    /// The points of an instrument.
    Points(Point),
    Point(Point),
    Exemplar,
    Attribute,
    Value,
    List,
    Map,
    /// Nothing lies within it that is counted.
    Leaf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Point {
    Number,
    Histogram,
    Exponential,
    Summary,
}

/// There are more than are allowed, or it is no message at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    TooMany,
    Malformed,
}

/// How many messages of which there can be several are in this request in protobuf.
pub(super) fn count(signal: Signal, body: &[u8]) -> Result<usize, Unfit> {
    let mut count = 0;
    walk(Kind::Request(signal), body, DEEPEST, &mut count)?;
    Ok(count)
}

/// How many objects and lists are in this JSON, as far as it is any.
pub(super) fn openings(body: &[u8]) -> usize {
    let (mut count, mut is_text, mut is_escaped) = (0, false, false);
    for byte in body {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = is_text,
            b'"' => is_text = !is_text,
            b'{' | b'[' if !is_text => count += 1,
            _ => {}
        }
    }
    count
}

fn walk(kind: Kind, mut body: &[u8], depth: u32, count: &mut usize) -> Result<(), Unfit> {
    while !body.is_empty() {
        let key = u32::try_from(varint(&mut body)?).map_err(|_| Unfit::Malformed)?;
        let length = match key & 7 {
            0 => {
                varint(&mut body)?;
                continue;
            }
            1 => 8,
            2 => usize::try_from(varint(&mut body)?).map_err(|_| Unfit::Malformed)?,
            5 => 4,
            // OTLP has no groups.
            _ => return Err(Unfit::Malformed),
        };
        let (inside, rest) = body.split_at_checked(length).ok_or(Unfit::Malformed)?;
        body = rest;
        let Some((kind, is_counted)) = kind.within(key >> 3).filter(|_| key & 7 == 2) else { continue };
        *count += usize::from(is_counted);
        if *count > MOST_MESSAGES {
            return Err(Unfit::TooMany);
        }
        if kind != Kind::Leaf {
            walk(kind, inside, depth.checked_sub(1).ok_or(Unfit::Malformed)?, count)?;
        }
    }
    Ok(())
}

fn varint(body: &mut &[u8]) -> Result<u64, Unfit> {
    let mut number = 0;
    for place in 0..10 {
        let (byte, rest) = body.split_first().ok_or(Unfit::Malformed)?;
        *body = rest;
        number |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(Unfit::Malformed)
}

impl Signal {
    /// What JSON calls the number of what was rejected.
    pub(super) fn rejected(self) -> &'static str {
        match self {
            Self::Traces => "rejectedSpans",
            Self::Logs => "rejectedLogRecords",
            Self::Metrics => "rejectedDataPoints",
        }
    }
}

impl Kind {
    /// What lies in this field, and can there be several?
    fn within(self, field: u32) -> Option<(Self, bool)> {
        let several = |kind| Some((kind, true));
        let one = |kind| Some((kind, false));
        match (self, field) {
            (Self::Request(signal), 1) => several(Self::Group(signal)),
            (Self::Group(_), 1) => one(Self::Resource),
            (Self::Group(signal), 2) => several(Self::ScopeGroup(signal)),
            (Self::ScopeGroup(_), 1) => one(Self::Scope),
            (Self::ScopeGroup(Signal::Traces), 2) => several(Self::Span),
            (Self::ScopeGroup(Signal::Logs), 2) => several(Self::Line),
            (Self::ScopeGroup(Signal::Metrics), 2) => several(Self::Metric),
            (Self::Resource, 3) => several(Self::Entity),
            // The names of an entity's attributes.
            (Self::Entity, 3 | 4) => several(Self::Leaf),
            (Self::Span, 11) => several(Self::SpanEvent),
            (Self::Span, 13) => several(Self::SpanLink),
            (Self::Line, 5) | (Self::Attribute, 2) => one(Self::Value),
            (Self::Metric, 5 | 7) => one(Self::Points(Point::Number)),
            (Self::Metric, 9) => one(Self::Points(Point::Histogram)),
            (Self::Metric, 10) => one(Self::Points(Point::Exponential)),
            (Self::Metric, 11) => one(Self::Points(Point::Summary)),
            (Self::Points(point), 1) => several(Self::Point(point)),
            (Self::Point(Point::Number), 5)
            | (Self::Point(Point::Histogram), 8)
            | (Self::Point(Point::Exponential), 11) => several(Self::Exemplar),
            (Self::Point(Point::Summary), 6) => several(Self::Leaf),
            (Self::Resource | Self::Point(Point::Exponential), 1)
            | (Self::Scope | Self::SpanEvent, 3)
            | (Self::SpanLink, 4)
            | (Self::Line, 6)
            | (Self::Point(Point::Number | Point::Summary) | Self::Exemplar, 7)
            | (Self::Span | Self::Point(Point::Histogram), 9)
            | (Self::Metric, 12)
            | (Self::Map, 1) => several(Self::Attribute),
            (Self::Value, 5) => one(Self::List),
            (Self::Value, 6) => one(Self::Map),
            (Self::List, 1) => several(Self::Value),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
    use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use proptest::prelude::*;
    use prost::Message;

    use super::*;

    /// A field that holds `inside`.
    fn field(number: u8, inside: &[u8]) -> Vec<u8> {
        let mut whole = vec![number << 3 | 2];
        prost::encoding::encode_varint(inside.len() as u64, &mut whole);
        whole.extend_from_slice(inside);
        whole
    }

    #[test]
    fn messages_are_counted_wherever_there_can_be_several() {
        let spans = |how_many: usize| field(1, &field(2, &[0x12, 0].repeat(how_many)));
        assert_eq!(count(Signal::Traces, &spans(7)), Ok(9));
        assert_eq!(count(Signal::Traces, &spans(MOST_MESSAGES - 2)), Ok(MOST_MESSAGES));
        assert_eq!(count(Signal::Traces, &spans(MOST_MESSAGES - 1)), Err(Unfit::TooMany));
        // An attribute, an exemplar, and a value of a list within others.
        let many = |number: u8| field(number, &[]).repeat(MOST_MESSAGES);
        let point = field(5, &field(1, &many(5)));
        let list = field(5, &field(5, &field(1, &field(5, &many(1)))));
        for (signal, item) in [(Signal::Traces, many(9)), (Signal::Metrics, point), (Signal::Logs, list)] {
            let request = field(1, &field(2, &field(2, &item)));
            assert_eq!(count(signal, &request), Err(Unfit::TooMany), "{signal:?}");
        }
        assert_eq!(openings(br#"{"a{[":["\"{",{}]}"#), 3, "not those of texts");
    }

    #[test]
    fn it_goes_as_deep_as_the_decoder_and_no_deeper() {
        let deep = (0..400).fold(Vec::new(), |inside, _| field(5, &field(1, &inside)));
        let request = field(1, &field(2, &field(2, &field(5, &deep))));
        assert_eq!(count(Signal::Logs, &request), Err(Unfit::Malformed));
        assert!(ExportLogsServiceRequest::decode(&*request).is_err());
    }

    /// Bytes that are a message more often than chance has it: a key, a length, and so on.
    fn anything() -> impl Strategy<Value = Vec<u8>> {
        let leaf = prop::collection::vec(any::<u8>(), 0..4).boxed();
        let fields = |inside: BoxedStrategy<Vec<u8>>| {
            let one = (1..14_u8, inside).prop_map(|(number, inside)| field(number, &inside));
            prop::collection::vec(one, 0..5).prop_map(|all| all.concat()).boxed()
        };
        prop_oneof![leaf.clone(), (0..8).fold(Just(Vec::new()).boxed(), |inside, _| fields(inside))]
    }

    proptest! {
        #[test]
        fn whatever_is_decoded_was_counted(body in anything()) {
            let traces = ExportTraceServiceRequest::decode(&*body).map(|request| {
                let groups = &request.resource_spans;
                let scopes = groups.iter().flat_map(|group| &group.scope_spans);
                let spans = scopes.clone().flat_map(|scope| &scope.spans);
                let inside = spans.clone().map(|span| span.attributes.len() + span.events.len() + span.links.len());
                groups.len() + scopes.count() + spans.count() + inside.sum::<usize>()
            });
            let logs = ExportLogsServiceRequest::decode(&*body).map(|request| {
                let groups = &request.resource_logs;
                let scopes = groups.iter().flat_map(|group| &group.scope_logs);
                let lines = scopes.clone().flat_map(|scope| &scope.log_records);
                let inside = lines.clone().map(|line| line.attributes.len());
                groups.len() + scopes.count() + lines.count() + inside.sum::<usize>()
            });
            let metrics = ExportMetricsServiceRequest::decode(&*body).map(|request| {
                let groups = &request.resource_metrics;
                let scopes = groups.iter().flat_map(|group| &group.scope_metrics);
                let metrics = scopes.clone().flat_map(|scope| &scope.metrics);
                groups.len() + scopes.count() + metrics.count()
            });
            for (signal, decoded) in [(Signal::Traces, traces), (Signal::Logs, logs), (Signal::Metrics, metrics)] {
                let counted = count(signal, &body);
                if let Ok(decoded) = decoded {
                    prop_assert!(counted.is_ok_and(|counted| counted >= decoded), "{counted:?} of {decoded}");
                }
            }
            openings(&body);
        }
    }
}
