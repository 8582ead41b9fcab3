//! Reading by the keyboard, links that show the same in a fresh window, and a page that moves only when its reader may.

use serde_json::json;

use crate::support::browser::key::{DOWN, END, ENTER, ESCAPE, LEFT, RIGHT};

use super::Page;
use super::feed::{self, Span, now};

/// Two good requests of a route and a failed one, with queries below and a line each.
async fn three(url: &str) -> [Span; 3] {
    let requests = [(1, 200), (2, 200), (3, 503)].map(|(number, status)| {
        Span::request(number, "/orders/{id}", now() - 90_000 + number * 20_000, 12_000, status)
    });
    for request in &requests {
        let failed = request.error.is_some();
        let mut query = request.child(1, "SELECT orders", 1_000, if failed { 9_000 } else { 2_000 });
        if failed {
            query.error = Some("deadlock detected".to_owned());
        }
        let below = query.child(10, "fetch rows", 1_500, 300);
        feed::spans(url, "orders", &[request.clone(), query.clone(), below]).await;
        let (level, text) = if failed { ("ERROR", "order lost: deadlock") } else { ("INFO", "order read") };
        feed::line(url, "orders", &query, level, text, &json!({ "customer_id": 4711, "part": "oil filter" }))
            .await;
    }
    feed::exemplar(url, "orders", "/orders/{id}", &requests[0]).await;
    requests
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_is_reached_by_keys() {
    let page = Page::open("view-keys").await;
    let browser = &page.browser;
    let [good, _, bad] = three(&page.server.url).await;
    browser.find_text(".requests .row.failed", "GET /orders/{id}").await;
    browser.press("j").await;
    assert!(page.chosen().await.contains("503"), "{}", page.chosen().await);

    // A trace: down, fold, to the parent, without lines, to the failure, into the details and back.
    browser.press(ENTER).await;
    browser.find_text(".waterfall .row", "order lost: deadlock").await;
    assert!(page.chosen().await.contains("SELECT orders"), "{}", page.chosen().await);
    browser.press(DOWN).await;
    assert!(page.chosen().await.starts_with("orders fetch rows"), "{}", page.chosen().await);
    browser.press("j").await;
    assert!(page.chosen().await.contains("order lost"), "{}", page.chosen().await);
    let rows = "document.querySelector('.waterfall').getAttribute('aria-rowcount')";
    for (keys, left) in [("l", 4), ("l", 5), (LEFT, 3), (RIGHT, 5)] {
        browser.press(keys).await;
        browser.until(&format!("{rows} == {left}")).await;
    }
    browser.press("ke").await;
    assert!(page.chosen().await.contains("SELECT orders"), "{}", page.chosen().await);
    browser.press(END).await;
    assert!(page.chosen().await.contains("order lost"), "{}", page.chosen().await);
    browser.press(ENTER).await;
    browser.until("document.activeElement.matches('aside')").await;
    browser.press(ESCAPE).await;
    browser.until("document.activeElement.matches('.waterfall')").await;

    // Marked, and compared with a good one of the list.
    browser.press("c").await;
    browser.press(ESCAPE).await;
    browser.find_text(".told", "comparing").await;
    browser.press(END).await;
    browser.press("c").await;
    browser.find_text(".compared .row", "SELECT orders").await;
    assert_eq!(page.fragment().await, format!("#compare={},{}", bad.trace, good.trace));
    browser.find_text(".compared .row", "−7.00 ms").await;
    browser.find_text(".compared .badge", "left").await;

    // Search, and the sheet that tells all of this.
    browser.press("4").await;
    browser.find_text(".loglines .row", "order lost").await;
    browser.press("/").await;
    browser.press("deadlock").await;
    browser.find_text(".told", "1 line").await;
    browser.press(ESCAPE).await;
    browser.press("?").await;
    browser.find_text("dialog", "unfold, fold").await;
    browser.press(ESCAPE).await;
    browser.until("!document.querySelector('dialog')").await;
    page.is_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_shows_the_same_in_a_fresh_window() {
    let page = Page::open("view-links").await;
    let browser = &page.browser;
    let [good, _, bad] = three(&page.server.url).await;
    browser.find_text(".requests .row", "/orders/{id}").await;
    browser.click_on("[role=group] button", "Failed").await;
    browser.find(".filter.search input").await.enter("deadlock").await;
    browser.find(".filter.field input").await.enter(&format!("customer_id=4711{ENTER}")).await;
    browser.find_text(".told", "1 request that match").await;
    let list = page.fragment().await;
    let all = [
        (list, ".grid.requests"),
        (format!("#trace={}&span={}", bad.trace, bad.id), "main"),
        (format!("#compare={},{}", good.trace, bad.trace), "main"),
        (format!("#view=lines&trace={}", bad.trace), ".loglines"),
        (format!("#view=lines&around={}&within=1000&level=ERROR", bad.start), ".loglines"),
    ];
    for (fragment, part) in all {
        let seen = async || {
            page.go(&fragment).await;
            browser.find_text(part, "").await;
            browser.until("document.querySelector('.body .row')").await;
            browser.find(part).await.text().await
        };
        let (first, second) = (seen().await, seen().await);
        assert_eq!(first, second, "{fragment}");
        assert!(first.contains("503") || first.contains("order"), "{fragment}: {first}");
    }
    // A click on a span is in the address at once, and in the list of what the browser goes back to only once.
    page.go(&format!("#trace={}", bad.trace)).await;
    browser.click_on(".waterfall .row", "fetch rows").await;
    browser.until("location.hash.includes('&span=')").await;
    let chosen = page.chosen().await;
    let link = page.fragment().await;
    page.go(&link).await;
    browser.find_text("aside h2", "fetch rows").await;
    assert_eq!(page.chosen().await, chosen);
    page.is_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exemplar_opens_its_trace() {
    let page = Page::open("view-exemplar").await;
    let browser = &page.browser;
    let [good, ..] = three(&page.server.url).await;
    for view in ["#view=routes", "#view=metrics"] {
        page.go(view).await;
        browser.click_on(".exemplar", "").await;
        browser.find_text(".waterfall .row", "fetch rows").await;
        assert!(page.fragment().await.starts_with(&format!("#trace={}", good.trace)), "{view}");
    }
    page.is_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_without_requests_says_what_there_is_instead() {
    let page = Page::open("view-other").await;
    let (browser, url) = (&page.browser, &page.server.url);
    browser.find_text(".howto h2", "Nothing has arrived yet").await;
    let alone = Span { trace: String::new(), id: String::new(), ..Span::request(1, "/", now(), 10, 200) };
    feed::line(url, "orders", &alone, "INFO", "started", &json!({})).await;
    browser.find_text(".howto", "Held are 0 spans, 1 line and 0 points of metrics.").await;
    browser.press("4").await;
    browser.find_text(".loglines .row", "started").await;
    page.is_clean().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_arrives_shows_by_itself_but_moves_nothing_under_a_reader() {
    let page = Page::open("view-live").await;
    let (browser, url) = (&page.browser, &page.server.url);
    let [.., bad] = three(url).await;
    browser.find_text(".requests .row", "/orders/{id}").await;
    feed::spans(url, "orders", &[Span::request(10, "/first", now(), 2_000, 200)]).await;
    browser.find_text(".requests .row", "GET /first").await;

    // The second row is being read: what comes is offered, not shown.
    browser.press("jj").await;
    let chosen = page.chosen().await;
    feed::spans(url, "orders", &[Span::request(11, "/second", now(), 2_000, 200)]).await;
    browser.find_text("#new", "Newer data").await;
    assert_eq!(page.chosen().await, chosen);
    assert!(!browser.see().await.contains("GET /second"));
    browser.press(".").await;
    browser.find_text(".requests .row", "GET /second").await;

    // A trace grows while it is read; what is chosen stays chosen.
    page.go(&format!("#trace={}&span={}", bad.trace, bad.id)).await;
    browser.find_text(".waterfall .row", "fetch rows").await;
    let chosen = page.chosen().await;
    feed::spans(url, "orders", &[bad.child(50, "late audit", 100, 200)]).await;
    browser.find_text(".waterfall .row", "late audit").await;
    assert_eq!(page.chosen().await, chosen);

    // Paused, it stands still.
    browser.find("#pause").await.click().await;
    feed::spans(url, "orders", &[bad.child(51, "later audit", 100, 200)]).await;
    browser.find_text("#live", "paused").await;
    let known = format!("(await (await fetch('/api/trace/{}')).json()).spans.length", bad.trace);
    browser.run(&format!("return (async () => {{ while ({known} < 5); }})()")).await;
    assert!(!browser.see().await.contains("later audit"));
    browser.find("#pause").await.click().await;
    browser.find_text(".waterfall .row", "later audit").await;
    page.is_clean().await;
}
