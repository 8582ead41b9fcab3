//! Names that want to be markup, to run, to turn the text round or to fill the screen are text, everywhere on the page.

use serde_json::{Value, json};

use super::Page;
use super::feed::{self, Span, now};

const IMAGE: &str = "<img src=x onerror=\"window.hacked=1\">";
const SCRIPT: &str = "</script></title></textarea></svg><script>window.hacked=1</script>";
const LINK: &str = "javascript:window.hacked=1";
/// Turned round, it would read as a name of another kind.
const TURNED: &str = "\u{202e}gnp.exe\u{202c}";

/// A trace whose every text is hostile; the second span's parent is its child.
async fn hostile(url: &str) -> Span {
    let mut first = Span::request(1, SCRIPT, now(), 5_000, 500);
    let long = format!("{IMAGE}{}", "A".repeat(100_000));
    first.attributes = json!({
        "http.route": SCRIPT, "http.request.method": IMAGE, "http.response.status_code": 500, "error.type": IMAGE,
        IMAGE: SCRIPT, "long": long, "link": LINK, "turned": TURNED, "__proto__": "p", "constructor": "c",
        "http.url": LINK, "exception.message": SCRIPT, "exception.stacktrace": format!("{SCRIPT}\n{IMAGE}\n{TURNED}"),
    });
    first.error = Some(format!("{IMAGE}{TURNED}"));
    let mut second = first.child(1, &format!("{TURNED}{long}"), 10, 100);
    let mut third = second.child(1, LINK, 10, 100);
    second.parent.clone_from(&third.id);
    third.parent.clone_from(&second.id);
    feed::spans(url, IMAGE, &[first.clone(), second, third]).await;
    let fields = json!({ IMAGE: SCRIPT, SCRIPT: IMAGE, "turned": TURNED });
    feed::line(url, IMAGE, &first, IMAGE, &format!("{SCRIPT}{long}"), &fields).await;
    feed::exemplar(url, IMAGE, SCRIPT, &first).await;
    first
}

/// What no text may bring about.
async fn nothing_happened(page: &Page, place: &str) {
    let seen = page.browser.run(
        "return [window.hacked ?? 'not hacked', document.images.length, document.scripts.length,
            document.querySelectorAll('main iframe, main object, main script, main [onerror], main [style*=\"url\"]').length,
            [...document.querySelectorAll('a')].filter((it) => !String(it.getAttribute('href')).startsWith('#')).length,
            document.body.innerText.includes('\\u202e')]",
    );
    assert_eq!(seen.await, json!(["not hacked", 0, 2, 0, 0, false]), "{place}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_names_are_text_in_every_view() {
    let page = Page::open("view-hostile").await;
    let browser = &page.browser;
    let span = hostile(&page.server.url).await;
    feed::spans(&page.server.url, "calm", &[Span::request(2, "/calm", now(), 5_000, 200)]).await;
    browser.find_text(".requests .row", IMAGE).await;
    nothing_happened(&page, "requests").await;
    let both = format!("#compare={},{}", span.trace, feed::trace_id(2));
    let views = [
        (format!("#trace={}", span.trace), ".waterfall .row", IMAGE),
        ("#view=lines".to_owned(), ".loglines .row", SCRIPT),
        ("#view=map".to_owned(), "svg .node", "<img src=x"),
        ("#view=routes".to_owned(), "table .service", "<img src=x"),
        ("#view=metrics".to_owned(), ".metric .service", "<img src=x"),
        ("#view=state".to_owned(), "table .service", "<img src=x"),
        (both, ".compared .row", "<img src=x"),
        (format!("#view=requests&text={IMAGE}&service={SCRIPT}&field={IMAGE}={SCRIPT}"), "main", "matches"),
        (format!("#trace={IMAGE}"), "main", "All requests"),
        (format!("#view={IMAGE}"), ".requests .row", IMAGE),
        (format!("#compare={SCRIPT}"), "main", "Two traces"),
    ];
    for (fragment, selector, text) in views {
        page.go(&fragment).await;
        browser.find_text(selector, text).await;
        nothing_happened(&page, &fragment).await;
    }
    // An id that nobody holds is asked for, and is not there: that is all that may be complained of.
    let complaints = browser.complaints().await;
    assert!(complaints.iter().all(|it| it.contains("/api/trace/") && it.contains(" 40")), "{complaints:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_full_of_hostile_names_stays_usable() {
    let page = Page::open("view-usable").await;
    let browser = &page.browser;
    let span = hostile(&page.server.url).await;
    page.go(&format!("#trace={}", span.trace)).await;
    browser.find_text(".waterfall .row", LINK).await;
    // Each of the three spans and the line has its row, though two spans are each other's parents.
    let rows = browser.run("return document.querySelector('.waterfall').getAttribute('aria-rowcount')").await;
    assert_eq!(rows, "5");
    browser.find_text("aside", "⟨U+202E⟩gnp.exe").await;
    // A long text is cut, and there on demand; the page is not wider for it.
    browser.click_on("aside .unfold", "characters").await;
    let sizes = browser
        .run("return [document.documentElement.scrollWidth <= innerWidth, document.querySelector('aside').innerText.length]")
        .await;
    assert_eq!(sizes[0], Value::Bool(true));
    // Kerned, this text takes seconds until it is there, in which the page is dead.
    let is_plain = "return [...document.querySelectorAll('aside .text')].every((it) => getComputedStyle(it).fontKerning === 'none')";
    assert_eq!(browser.run(is_plain).await, Value::Bool(true));
    assert!(sizes[1].as_u64().is_some_and(|length| (20_000..30_000).contains(&length)), "{sizes}");
    browser.find("aside button[aria-label^='turned']").await.click().await;
    browser.click_on(".menu button", "Lines with this").await;
    browser.find_text(".loglines .row", "</script>").await;
    browser.press("j").await;
    browser.find_text("aside", "⟨U+202E⟩").await;
    nothing_happened(&page, "lines of a hostile value").await;
    page.is_clean().await;
}

/// Random ids, parents and times out of few, so that they are repeated, missing and in circles.
const ANY_TREE: &str = "
    const [{ build, rows, causes }, { layout }] = await Promise.all([import('/tree.js'), import('/layout.js')]);
    let seed = arguments[0];
    const upTo = (n) => (seed = (seed * 48271) % 2147483647) % n;
    const faults = [];
    for (let round = 0; round < 400; round += 1) {
        const id = () => String(upTo(30));
        const span = () => ({ id: id(), parent: upTo(4) ? id() : '', service: 's', name: 'n' + upTo(2), failed: !upTo(5),
            start: upTo(50), duration: upTo(9) / 1000 });
        const trace = { spans: Array.from({ length: upTo(60) }, span), lines: Array.from({ length: upTo(20) }, () => ({ at: upTo(50), span: id() })) };
        for (const grouping of [true, false]) {
            const tree = build(trace, grouping);
            const all = rows(tree, () => false, true);
            const own = all.filter((it) => it.span && !it.group).length;
            const lines = all.filter((it) => it.line).length;
            const keys = new Set(all.map((it) => it.key)).size;
            if (own !== trace.spans.length || lines !== trace.lines.length || keys !== all.length) faults.push(['rows', round, own, lines, keys]);
            if (trace.spans.some((it) => it.failed) !== causes(tree).length > 0) faults.push(['causes', round]);
            if (tree.nodes.some((it) => !(it.own >= 0 && it.own <= it.span.duration + 1e-9))) faults.push(['own', round]);
        }
        const names = Array.from({ length: 1 + upTo(12) }, (_, index) => String(index));
        const placed = layout(names, Array.from({ length: upTo(40) }, () => [String(upTo(14)), String(upTo(14))]));
        const spots = new Set([...placed.nodes.values()].map((it) => it.layer + '/' + it.row));
        if (spots.size !== names.length) faults.push(['places', round]);
    }
    return faults;";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_the_ids_say_each_span_and_line_has_one_row_and_each_service_one_place() {
    let page = Page::open("view-trees").await;
    let script = format!("return (async function () {{ {ANY_TREE} }})(...arguments)");
    let seed = now() % 2_147_483_646 + 1;
    let faults = page.browser.run_with(&script, &json!([seed])).await;
    assert_eq!(faults, json!([]), "seed {seed}");
    page.is_clean().await;
}
