//! Our own stack, as shipped: lines to standard output, spans to a collector that takes everything.

use tower_observability::{Builder, ObservabilityLayer, Otlp, Traces};

use crate::stack::Started;
use crate::support::collector;
use crate::support::noop::NoopLayer;
use crate::support::service::USUAL;

pub(crate) fn start() -> Started {
    started(tower_observability::builder("bench"))
}

pub(crate) fn unnamed() -> Started {
    started(tower_observability::builder("bench").propagate_request_id(false))
}

fn started(builder: Builder) -> Started {
    let traces = Traces::new().otlp(Otlp::new().endpoint(format!("http://{}", collector::start())));
    let observability = builder.traces(traces).init().expect("it starts");
    let app = USUAL.router(NoopLayer).layer(ObservabilityLayer::new());
    Started::new(app, || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let report = runtime.block_on(observability.shutdown());
        let is_whole = report.spans.dropped_total() + report.lines.dropped_total() == 0;
        assert!(is_whole && report.spans.delivered > 0 && report.lines.delivered > 0, "{report}");
    })
}
