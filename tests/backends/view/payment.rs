//! A failed payment of the workshop, from the list to its cause, and from there to all that happened to its customer.

use std::path::Path;

use crate::shared::repository::top;
use crate::support::workshop::{SERVICES, Workshop, ask};

use super::Page;

/// The provider's outage begins before so many bookings.
const MOST_BOOKINGS: u64 = 40;
/// A picture for the README may have so many bytes.
const LARGEST_PICTURE: usize = 150 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_payment_is_found_its_cause_is_read_and_its_customer_is_followed() {
    let page = Page::open("view-payment").await;
    let Page { browser, server } = &page;
    browser.find_text(".howto", "Nothing has arrived yet").await;
    browser.find_text(".howto code", &format!("OTEL_EXPORTER_OTLP_ENDPOINT={}", server.url)).await;

    let workshop = Workshop::start(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &server.url),
        ("OTEL_LOGS_EXPORTER", "console,otlp"),
        ("OTEL_METRICS_EXPORTER", "otlp"),
        ("OTEL_BSP_SCHEDULE_DELAY", "200"),
        ("OTEL_BLRP_SCHEDULE_DELAY", "200"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "1000"),
    ]);
    // What else happens in a workshop.
    let gateway = workshop.gateway();
    for path in [
        "vehicles/B-WS-7",
        "vehicles/FAULT-PANIC",
        "parts/oil-filter",
        "vehicles/FAULT-SLOW",
        "profiles/4711",
    ] {
        ask("GET", &format!("{gateway}/{path}"), &[], None);
    }
    let customer = (4000..4000 + MOST_BOOKINGS)
        .find(|customer| workshop.ask_for_booking(*customer, &[]).status >= 500)
        .expect("a booking whose payment failed");

    // The list shows it by itself, in front; nobody has reloaded the page.
    browser.find_text(".row.failed", "/charges answered 500").await;
    browser.click_on("[role=group] button", "Failed").await;
    browser.find_text(".told", "that match").await;
    picture(&page, "list", "#view=requests").await;
    page.go("#view=requests&kind=failed").await;
    browser.click_on(".row.failed a", "POST /bookings").await;

    // The cause stands on top, and is what is chosen.
    let cause = browser.find(".why").await.text().await;
    assert!(cause.contains("payments") && cause.contains("/charges") && cause.contains("500"), "{cause}");
    assert!(page.chosen().await.contains("payments"), "{}", page.chosen().await);
    browser.find_text("aside .error", "500").await;
    picture(&page, "trace", &page.fragment().await).await;

    // Its caller knows the customer; one click leads to all lines of him.
    browser.click_on(".waterfall .row", "payments\nPOST /payments").await;
    let field = format!("customer_id: {customer}");
    browser.click_on(&format!("aside button[aria-label^='{field}']"), "").await;
    browser.click_on(".menu button", "Lines with this").await;
    browser.find_text(".told", "line").await;
    browser.find_text(".loglines .row.failed", "/payments").await;
    let customer_id = format!("customer_id={customer}");
    let strangers = browser
        .run_with(
            "return [...document.querySelectorAll('.loglines .body .row')].map((it) => it.innerText.replace(/\\s+/g, ''))
                .filter((it) => !it.includes(arguments[0]))",
            &serde_json::json!([customer_id]),
        )
        .await;
    assert_eq!(strangers, serde_json::json!([]));
    assert_eq!(page.fragment().await, format!("#view=lines&field=customer_id%3D{customer}"));

    // All eight are on the map.
    browser.press("2").await;
    for service in SERVICES {
        browser.find_text("svg .node", service).await;
    }
    browser.press("3").await;
    browser.click_on(".red th a", "POST /payments").await;
    browser.find_text(".requests .row.failed", "POST /bookings").await;
    page.is_clean().await;
    workshop.stop();
}

/// Takes the README's pictures of this view, light and dark, if they are asked for.
async fn picture(page: &Page, name: &str, fragment: &str) {
    if std::env::var_os("UPDATE_PICTURES").is_none() {
        return;
    }
    page.browser.size(1280, 640).await;
    for colours in ["light", "dark"] {
        page.go("").await;
        page.browser
            .run_with("localStorage.setItem('theme', arguments[0])", &serde_json::json!([colours]))
            .await;
        page.go(fragment).await;
        page.browser.until("document.querySelectorAll('.body .row').length > 9").await;
        let picture = page.browser.picture().await;
        assert!(picture.len() <= LARGEST_PICTURE, "{name}, {colours}: {} bytes", picture.len());
        let path: &Path = &top().join(format!("examples/pictures/view-{name}-{colours}.png"));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, picture).unwrap();
    }
    page.browser.size(1280, 800).await;
    page.browser.run("localStorage.removeItem('theme')").await;
    page.go(fragment).await;
    page.browser.until("document.querySelectorAll('.body .row').length > 9").await;
}
