//! What Loki says of the service: whether its lines have arrived under the label that the guide's queries ask for.

use std::time::Duration;

use serde_json::Value;

use super::ask;
use super::finding::{Finding, WHICH, foreign};
use crate::error::masked_url;

const ABOUT: &str = "loki";
const LABEL: &str = "service_name";
/// So many names are shown.
const MOST: usize = 12;

/// Asks Loki at this URL.
pub(super) async fn examine(url: &str, service: Option<&str>, timeout: Duration) -> Vec<Finding> {
    let mut found = vec![Finding::chosen(ABOUT, masked_url(url), "--loki")];
    let labels = match ask::json(url, "/loki/api/v1/labels", &[], timeout).await {
        Ok(answer) => names(&answer),
        Err(unknown) => {
            found.push(unknown.of(Finding::step(ABOUT, "labels", "not known")));
            return found;
        }
    };
    let shown = if labels.is_empty() { "none".to_owned() } else { some(&labels) };
    let step = Finding::step(ABOUT, "labels", shown);
    if !labels.iter().any(|label| label == LABEL) {
        found.push(step.fails(format!(
            "there is no label {LABEL}: what ships the lines has to set it, or nothing has arrived"
        )));
        return found;
    }
    found.push(step);
    let step = |answer: &str| Finding::step(ABOUT, LABEL, answer);
    found.push(match ask::json(url, "/loki/api/v1/label/service_name/values", &[], timeout).await {
        Err(unknown) => unknown.of(step("not known")),
        Ok(answer) => {
            let services = names(&answer);
            let known = some(&services);
            match service {
                None => step("not looked for").warns(format!("{WHICH}; those that are known: {known}")),
                Some(service) if services.iter().any(|known| known == service) => step(service),
                Some(service) => step("not among them").fails(format!(
                    "no line of {service} has arrived of late; those that are known: {known}"
                )),
            }
        }
    });
    found
}

fn names(answer: &Value) -> Vec<String> {
    let all = answer["data"].as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter().filter_map(Value::as_str).map(|name| foreign(name, 100)).collect()
}

fn some(names: &[String]) -> String {
    let more = if names.len() > MOST { " and more" } else { "" };
    format!("{}{more}", names.iter().take(MOST).cloned().collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;
    use crate::doctor::ask::tests::{PATIENCE, server};

    #[tokio::test]
    async fn an_unknown_name_is_warned_of_and_one_that_is_not_there_fails() {
        let port =
            server(|_| Some(("200 OK", br#"{"status":"success","data":["service_name"]}"#.to_vec()))).await;
        let url = format!("http://127.0.0.1:{port}");
        for (service, verdict, said) in [
            (None, Verdict::Warning, "which service is meant? --service says it"),
            (Some("bookings"), Verdict::Failed, "no line of bookings"),
            (Some("service_name"), Verdict::Ok, ""),
        ] {
            let found = examine(&url, service, PATIENCE).await;
            let last = found.last().unwrap();
            assert_eq!((last.step, last.verdict), (LABEL, verdict), "{last:?}");
            assert!(last.detail.contains(said), "{last:?}");
        }
    }
}
