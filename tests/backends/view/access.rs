//! Readable for all: axe finds nothing in any view, in light and in dark; what a screen reader is told of the tables.

use serde_json::{Value, json};

use crate::support::systems::AXE;

use super::Page;
use super::feed::{self, Span, now};

/// What axe finds, a line each.
async fn faults(page: &Page, axe: &str) -> Vec<String> {
    let script = format!(
        "{axe}; return axe.run().then((it) => it.violations.map((one) => [one.id, one.nodes[0].html, one.nodes[0].failureSummary].join(': ')))"
    );
    let found: Value = page.browser.run(&script).await;
    found.as_array().unwrap().iter().map(Value::to_string).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_view_keeps_anybody_out_in_light_and_in_dark() {
    let page = Page::open("view-access").await;
    let (browser, url) = (&page.browser, &page.server.url);
    let axe = std::fs::read_to_string(AXE.path()).unwrap();
    assert_eq!(faults(&page, &axe).await, [""; 0], "the empty page");
    let good = Span::request(1, "/orders/{id}", now() - 60_000, 12_000, 200);
    let bad = Span::request(2, "/orders/{id}", now() - 40_000, 12_000, 500);
    for request in [&good, &bad] {
        let query = request.child(1, "SELECT orders", 1_000, 9_000);
        feed::spans(url, "orders", &[request.clone(), query]).await;
        feed::line(url, "orders", request, "ERROR", "order lost", &json!({ "customer_id": 4711 })).await;
    }
    feed::exemplar(url, "orders", "/orders/{id}", &good).await;
    let views = [
        (String::new(), ".requests .row.failed"),
        (format!("#trace={}", bad.trace), ".waterfall .row.failed"),
        (format!("#compare={},{}", good.trace, bad.trace), ".compared .row"),
        ("#view=lines&field=customer_id%3D4711".to_owned(), ".loglines .row.failed"),
        ("#view=map".to_owned(), "svg .node"),
        ("#view=routes".to_owned(), ".red .exemplar"),
        ("#view=metrics".to_owned(), ".metric .plot"),
        ("#view=state".to_owned(), ".state meter"),
    ];
    for colours in ["light", "dark"] {
        browser.run_with("localStorage.setItem('theme', arguments[0])", &json!([colours])).await;
        for (fragment, ready) in &views {
            page.go(fragment).await;
            browser.find(ready).await;
            assert_eq!(faults(&page, &axe).await, [""; 0], "{colours} {fragment}");
        }
        browser.press("?").await;
        browser.find("dialog").await;
        assert_eq!(faults(&page, &axe).await, [""; 0], "{colours}: the sheet of keys");
    }
    page.is_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_screen_reader_is_told_what_each_row_is() {
    let page = Page::open("view-told").await;
    let (browser, url) = (&page.browser, &page.server.url);
    let bad = Span::request(2, "/orders/{id}", now(), 12_000, 500);
    let query = bad.child(1, "SELECT orders", 1_000, 9_000);
    feed::spans(url, "orders", &[bad.clone(), query]).await;
    browser.find(".requests .row.failed").await;
    assert_eq!(browser.find(".grid.requests").await.told().await, ("grid".to_owned(), "Requests".to_owned()));
    let row = browser.find(".requests .row.failed").await.told().await;
    assert_eq!(row.0, "row");
    for word in ["500", "failed", "GET /orders/{id}", "orders", "12.0 ms"] {
        assert!(row.1.contains(word), "{word}: {row:?}");
    }
    // The focus stays on the table; which row is meant, its attribute tells.
    browser.press("j").await;
    let meant = "document.getElementById(document.activeElement.getAttribute('aria-activedescendant'))?.dataset.trace";
    assert_eq!(browser.run(&format!("return {meant}")).await, bad.trace);
    page.go(&format!("#trace={}", bad.trace)).await;
    browser.find_text(".waterfall .row", "SELECT orders").await;
    let grid = browser.find(".waterfall").await.told().await;
    assert_eq!(grid, ("treegrid".to_owned(), "Waterfall".to_owned()));
    let rows = browser.run(
        "return [...document.querySelectorAll('.waterfall .body .row')].map((it) => [it.ariaLevel, it.ariaExpanded, it.ariaRowIndex])",
    );
    assert_eq!(rows.await, json!([["1", "true", "2"], ["2", null, "3"]]));
    for (selector, role) in
        [("main", "main"), ("nav", "navigation"), ("header", "banner"), ("aside", "complementary")]
    {
        assert_eq!(browser.find(selector).await.told().await.0, role);
    }
    // What was found is said once, by the region for it.
    page.go("").await;
    browser.press("/").await;
    browser.press("nothing has this").await;
    browser.until("document.querySelector('[role=status]').textContent === 'No request matches'").await;
    page.is_clean().await;
}
