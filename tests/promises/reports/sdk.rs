//! A service that has Sentry's own SDK as well: by the guide's recipe, what fails is one report.

use std::sync::Arc;

use sentry::test::TestTransport;
use sentry::{ClientInitGuard, ClientOptions};

use super::*;

/// As the guide says it: the SDK takes what the service hands it, and nothing by itself.
fn sdk(transport: &Arc<TestTransport>) -> ClientInitGuard {
    let dsn = std::env::var("SENTRY_DSN").unwrap();
    sentry::init(ClientOptions::new().dsn(&dsn).default_integrations(false).transport(Arc::clone(transport)))
}

/// The story, and one message that only the service can know of.
pub(super) fn beside() {
    let transport = TestTransport::new();
    let guard = sdk(&transport);
    sentry::capture_message("a customer was asked", sentry::Level::Info);
    failures::story();
    drop(guard);
    println!("sdk: {}", transport.fetch_and_clear_events().len());
}

#[test]
fn beside_the_sdk_of_sentry_nothing_is_reported_twice() {
    let receiver = Receiver::start();
    let ended = Child::new("reports", "beside").env("SENTRY_DSN", receiver.dsn()).end().well();
    let expected: usize = failures::EXPECTED.iter().map(|(_, _, expected)| expected).sum();
    assert_eq!(receiver.events().len(), expected);
    assert_eq!(ended.said("sdk: "), "1", "its own message, and nothing of ours");
}
