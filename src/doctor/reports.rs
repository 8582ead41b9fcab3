//! The way of error reports. One is sent only where that was asked for: it would be an issue for somebody.

use tokio::sync::watch;

use super::finding::{Finding, from};
use super::reach::Reach;
use super::send::Notices;
use super::signals::Sender;
use crate::export::{Endpoint, Tell, masked_url};
use crate::record::{Severity, Snapshot};
use crate::reports::Reporter;
use crate::threads::Phase;

const ABOUT: &str = "reports";

/// Where reports go, whether it is reached, and what becomes of a marked one.
pub(super) async fn examine(sender: &Sender<'_>, reach: &mut Reach, sends: bool) -> Vec<Finding> {
    let options = &sender.config.options;
    let urls = options.reports.urls();
    if urls.is_empty() || options.general.disabled {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut is_reached = true;
    for url in urls {
        let names = ["SENTRY_DSN", "ROLLBAR_ACCESS_TOKEN"];
        let name = if url.ends_with("/envelope/") { &names[..1] } else { &names[1..] };
        found.push(Finding::chosen(ABOUT, masked_url(&url), from(sender.config, name)));
        let steps = reach.to(ABOUT, &Endpoint::plain(&url)).await;
        is_reached &= steps.is_reached;
        found.extend(steps.found);
    }
    if is_reached {
        found.push(if sends {
            send(sender).await
        } else {
            Finding::step(ABOUT, "marked report", "not sent; --send-report sends one")
        });
    }
    found
}

/// A marked report, to wherever reports go.
async fn send(sender: &Sender<'_>) -> Finding {
    let (tell, notices) = Notices::new();
    let tell = std::sync::Arc::new(std::sync::Mutex::new(tell));
    let each = || -> Tell {
        let tell = std::sync::Arc::clone(&tell);
        Box::new(move |notice| crate::threads::lock(&tell)(notice))
    };
    let (reporter, exporters) = Reporter::new(&sender.config.options.reports, sender.resource, each);
    let (_phase, follow) = watch::channel(Phase::Running);
    let exporting: Vec<_> =
        exporters.into_iter().map(|exporter| tokio::spawn(exporter.run(follow.clone()))).collect();
    let said = "observability doctor: no error, only a look whether reports arrive";
    reporter.event(&Snapshot::new(Severity::Error, module_path!(), said));
    let told = notices.told(ABOUT, ("marked report", "taken"), reporter.flush(), sender.timeout).await;
    exporting.iter().for_each(|exporting| exporting.abort());
    told
}
