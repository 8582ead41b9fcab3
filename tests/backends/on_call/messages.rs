//! What the chat and the mail say, rendered by Alertmanager's own tool.

use serde_json::json;

use crate::support::prometheus::run;
use crate::support::stack::{Folder, file};
use crate::support::systems::AMTOOL;

#[test]
fn a_message_tells_what_fires_from_what_is_over_and_has_no_link_to_nowhere() {
    let alert = |name: &str, status: &str, annotations| {
        json!({
            "status": status, "labels": { "alertname": name, "severity": "warning", "job": "shop" },
            "annotations": annotations, "startsAt": "2026-11-29T23:59:00Z", "endsAt": "2026-12-01T00:01:00Z",
        })
    };
    let data = json!({
        "receiver": "chat", "status": "firing", "groupLabels": { "job": "shop" }, "commonLabels": {},
        "commonAnnotations": {}, "externalURL": "", "alerts": [
            alert("RequestErrors", "firing", json!({ "description": "<b> fails", "logs_url": "https://g/d?x=1&y=2" })),
            // As somebody else's rule may have it.
            alert("Other", "resolved", json!({ "summary": "something else" })),
        ],
    });
    let folder = Folder::new("messages");
    let data = format!("--template.data={}", folder.write("data.json", &data.to_string()));
    let templates = format!("--template.glob={}", file("alertmanager/templates/on_call.tmpl").display());
    let rendered = |name: &str, kind: &str| {
        let text = format!("--template.text={{{{ template \"on_call.{name}\" . }}}}");
        let kind = format!("--template.type={kind}");
        let arguments = ["template", "render", &templates, &data, &text, &kind];
        run(&AMTOOL.path(), &arguments, "").trim().to_owned()
    };
    assert_eq!(rendered("title", "text"), "1 firing: shop RequestErrors");
    let lines = |name: &str| {
        let text = rendered(name, "text");
        let lines = text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty());
        lines.collect::<Vec<_>>()
    };
    let over = "Since 2026-11-29 23:59:00 UTC, until 2026-12-01 00:01:00 UTC.";
    assert_eq!(
        lines("chat"),
        [
            // As Slack wants it: what stands between < and > is a link.
            "*RequestErrors* (warning): &lt;b&gt; fails",
            "Since 2026-11-29 23:59:00 UTC.",
            "<https://g/d?x=1&amp;y=2|lines>",
            "*Other* (resolved): something else",
            over,
        ]
    );
    assert_eq!(
        lines("plain"),
        [
            "RequestErrors (warning): <b> fails",
            "Since 2026-11-29 23:59:00 UTC.",
            "lines: https://g/d?x=1&y=2",
            "Other (resolved): something else",
            over,
        ]
    );
    let mail = rendered("html", "html");
    assert!(mail.contains("&lt;b&gt; fails") && mail.contains("href=\"https://g/d?x=1&amp;y=2\""), "{mail}");
    assert!(mail.contains("something else") && !mail.contains("href=\"\""), "{mail}");
}
