//! 50,000 spans, and a trace of 2,000: what the page needs for them, in figures, and that it stays readable.

use std::time::Instant;

use serde_json::json;

use crate::support::browser::key::END;

use super::Page;
use super::feed::{self, Span, now};

const TRACES: u64 = 2_400;
const IN_EACH: u64 = 20;
const IN_THE_LARGE: u64 = 2_000;
/// However busy the machine is. The figures are printed.
const GENEROUS_MS: f64 = 10_000.0;

/// Notes when the first rows stand on the page.
const WATCH: &str = "const look = () => document.querySelectorAll('[data-trace]').length > 9
    ? (window.rowsAt = performance.now()) : requestAnimationFrame(look); requestAnimationFrame(look);";
/// Types a filter; how long it takes until the list has answered, with the 250 ms that are waited for more keys.
const FILTER: &str = "const [selector, value, wanted] = arguments; const field = document.querySelector(selector);
    const start = performance.now(); field.value = value;
    field.dispatchEvent(new Event(field.matches('select') ? 'change' : 'input'));
    return new Promise((done) => { const look = () => document.querySelector('.told').innerText.includes(wanted)
        ? done(performance.now() - start) : requestAnimationFrame(look); look(); });";

async fn fill(url: &str) {
    let routes = ["/orders/{id}", "/customers/{id}", "/parts", "/health"];
    let begin = now() - 240_000_000;
    for batch in 0..24 {
        let mut spans = Vec::new();
        for number in batch * TRACES / 24..(batch + 1) * TRACES / 24 {
            let status = if number % 97 == 0 { 500 } else { 200 };
            let route = routes[usize::try_from(number % 4).unwrap()];
            let takes = 3_000 + number * 7_919 % 9_000;
            let request = Span::request(number, route, begin + number * 100_000, takes, status);
            spans.extend((1..IN_EACH).map(|of| request.child(of, "SELECT orders", of * 100, 90)));
            spans.push(request);
        }
        feed::spans(url, "shop", &spans).await;
    }
    let large = Span::request(TRACES, "/reports/{year}", now() - 5_000_000, 4_000_000, 200);
    let mut spans: Vec<Span> = (1..IN_THE_LARGE)
        .map(|of| large.child(of, &format!("step {}", of / 3), of * 1_900, 1_500 + of))
        .collect();
    spans[1_234].error = Some("deadlock detected".to_owned());
    spans.push(large);
    feed::spans(url, "reports", &spans).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_thousand_spans_and_a_trace_of_two_thousand_stay_readable() {
    let page = Page::open("view-size").await;
    let browser = &page.browser;
    let start = Instant::now();
    fill(&page.server.url).await;
    println!(
        "view: {} spans sent in {:.1} s",
        TRACES * IN_EACH + IN_THE_LARGE,
        start.elapsed().as_secs_f64()
    );

    browser.before_each(WATCH).await;
    page.go("").await;
    browser.until("window.rowsAt").await;
    let times = browser
        .run(
            "return [performance.getEntriesByName('first-contentful-paint')[0].startTime, window.rowsAt,
            document.querySelectorAll('[role=row]').length]",
        )
        .await;
    println!(
        "view: first paint after {:.0} ms, the rows after {:.0} ms",
        times[0],
        times[1].as_f64().unwrap()
    );
    assert!(times[1].as_f64().unwrap() < GENEROUS_MS);
    // Only the rows in sight exist.
    assert!(times[2].as_u64().unwrap() < 100, "{times}");
    browser.find_text(".told", "The latest 200 requests").await;

    for (what, selector, value, wanted) in [
        ("text", ".filter.search input", "parts", "that match"),
        ("duration", ".filter.number input", "11", "requests that match"),
        ("a text of one span", ".filter.search input", "deadlock", "1 request that match"),
    ] {
        page.go("").await;
        browser.until("window.rowsAt").await;
        let took = browser.run_with(FILTER, &json!([selector, value, wanted])).await.as_f64().unwrap();
        println!("view: filtered by {what} in {took:.0} ms, of which 250 ms wait for more keys");
        assert!(took < GENEROUS_MS);
    }

    browser.before_each("window.began = performance.now()").await;
    page.go(&format!("#trace={}", feed::trace_id(TRACES))).await;
    browser.find_text(".waterfall .row.failed", "step 411").await;
    browser.find_text(".why", "deadlock detected").await;
    let rows = browser
        .run("const all = document.querySelector('.waterfall'); return [all.getAttribute('aria-rowcount'), all.querySelectorAll('[role=row]').length]")
        .await;
    assert_eq!(rows[0], (IN_THE_LARGE + 1).to_string());
    assert!(rows[1].as_u64().unwrap() < 100, "{rows}");
    println!("view: {IN_THE_LARGE} spans of one trace in {} rows that exist", rows[1]);
    // The failed one is in sight, and so is the last one once it is asked for.
    assert!(page.chosen().await.contains("step 411"), "{}", page.chosen().await);
    let end = "const start = performance.now(); document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'Home', bubbles: true }));
        return performance.now() - start";
    browser.press(END).await;
    browser.find_text(".waterfall .row", "step 666").await;
    let step = browser.run(end).await.as_f64().unwrap();
    println!("view: a step of the keyboard in it takes {step:.1} ms");
    page.is_clean().await;
}
