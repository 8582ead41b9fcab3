//! The pages that a person must judge, word for word.

use ::metrics::{Unit, counter, describe_counter, describe_histogram, gauge, histogram, with_local_recorder};

use super::{pages, recorder};
use crate::context::{Flags, SpanId, TraceContext, TraceId};
use crate::metrics::{Metrics, Recorder, exemplar, target};
use crate::resource::Resource;

/// A page without the family that is always there.
fn shown(page: &str) -> String {
    page.lines()
        .filter(|line| !line.contains("observability_metrics_refused"))
        .map(|line| format!("{line}\n"))
        .collect()
}

fn record_everything(recorder: &Recorder) {
    with_local_recorder(recorder, || {
        describe_counter!("orders", "Orders taken.\n\"All\" of them, C:\\ too.");
        describe_histogram!("page_bytes", Unit::Bytes, "Size of a page.");
        counter!("orders", "kind" => "new").increment(3);
        counter!("orders", "kind" => "a\"b\\c\nd").increment(1);
        gauge!("queue.depth").set(2.5);
        histogram!("wait", "who" => "me").record(0.75);
        histogram!("page_bytes").record(70.0);
    });
}

#[test]
fn the_page_in_text_format() {
    let recorder = recorder();
    record_everything(&recorder);
    let page = pages(&recorder)[0].clone();
    assert_eq!(
        shown(&page),
        r#"# HELP orders_total Orders taken.\n"All" of them, C:\\ too.
# TYPE orders_total counter
orders_total{kind="a\"b\\c\nd"} 1
orders_total{kind="new"} 3
# HELP page_bytes Size of a page.
# TYPE page_bytes histogram
page_bytes_bucket{le="64.0"} 0
page_bytes_bucket{le="256.0"} 1
page_bytes_bucket{le="1024.0"} 1
page_bytes_bucket{le="4096.0"} 1
page_bytes_bucket{le="16384.0"} 1
page_bytes_bucket{le="65536.0"} 1
page_bytes_bucket{le="262144.0"} 1
page_bytes_bucket{le="1.048576e+06"} 1
page_bytes_bucket{le="4.194304e+06"} 1
page_bytes_bucket{le="1.6777216e+07"} 1
page_bytes_bucket{le="6.7108864e+07"} 1
page_bytes_bucket{le="+Inf"} 1
page_bytes_sum 70
page_bytes_count 1
# HELP queue_depth Not described; metrics::describe_counter!, describe_gauge! or describe_histogram! does.
# TYPE queue_depth gauge
queue_depth 2.5
# HELP wait Not described; metrics::describe_counter!, describe_gauge! or describe_histogram! does.
# TYPE wait histogram
wait_bucket{who="me",le="0.5"} 0
wait_bucket{who="me",le="1.0"} 1
wait_bucket{who="me",le="+Inf"} 1
wait_sum{who="me"} 0.75
wait_count{who="me"} 1
"#
    );
}

#[test]
fn the_page_in_openmetrics() {
    let recorder = Recorder::new(&Metrics::new().buckets("wait_seconds", [0.5, 1.0]));
    let (trace_id, span_id) =
        (TraceId::new(0x4bf92f3577b34da6a3ce929d0e0e4736), SpanId::new(0x00f067aa0ba902b7));
    let (trace_id, span_id) = (trace_id.expect("not zero"), span_id.expect("not zero"));
    let mut resource = Resource::default();
    resource.set("service.name", "bookings");
    recorder.add_source(target(&resource));
    let at = crate::clock::Moment::now();
    with_local_recorder(&recorder, || {
        describe_counter!("orders_total", "Orders \"taken\".");
        counter!("orders_total").increment(3);
        let wait = histogram!("wait_seconds");
        wait.record(0.25);
        exemplar::with_hop_trace(TraceContext { trace_id, span_id, flags: Flags::SAMPLED }, at, || {
            wait.record(0.75)
        });
    });
    let page = pages(&recorder)[1].clone();
    let (seconds, millis) = (at.unix_nanos() / 1_000_000_000, at.unix_nanos() / 1_000_000 % 1_000);
    let expected = r#"# HELP orders Orders \"taken\".
# TYPE orders counter
orders_total 3
# HELP target The service that is scraped: its resource attributes, among them `service_version`.
# TYPE target info
target_info{service_name="bookings"} 1
# HELP wait_seconds Not described; metrics::describe_counter!, describe_gauge! or describe_histogram! does.
# TYPE wait_seconds histogram
# UNIT wait_seconds seconds
wait_seconds_bucket{le="0.5"} 1
wait_seconds_bucket{le="1.0"} 2 # {trace_id="4bf92f3577b34da6a3ce929d0e0e4736",span_id="00f067aa0ba902b7"} 0.75 TIME
wait_seconds_bucket{le="+Inf"} 2
wait_seconds_sum 1
wait_seconds_count 2
# EOF
"#;
    assert_eq!(shown(&page), expected.replace("TIME", &format!("{seconds}.{millis:03}")));
}
