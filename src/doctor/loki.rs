//! What Loki says of the service: whether its lines have arrived under the label that the guide's queries ask for.

use std::time::Duration;

use serde_json::Value;

use super::ask;
use super::finding::{Finding, foreign};
use crate::error::masked_url;
use crate::names::attribute;
use crate::resource::Resource;

const ABOUT: &str = "loki";
const LABEL: &str = "service_name";
/// So many names are shown.
const MOST: usize = 12;

/// Asks Loki at this URL.
pub(super) async fn examine(url: &str, resource: &Resource, timeout: Duration) -> Vec<Finding> {
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
    let service = resource.get(attribute::SERVICE_NAME);
    let step = |answer: &str| Finding::step(ABOUT, LABEL, answer);
    found.push(match ask::json(url, "/loki/api/v1/label/service_name/values", &[], timeout).await {
        Err(unknown) => unknown.of(step("not known")),
        Ok(answer) => {
            let services = names(&answer);
            if services.iter().any(|known| known == service) {
                step(service)
            } else {
                step("not among them").fails(format!(
                    "no line of {service} has arrived of late; those that are known: {}",
                    some(&services)
                ))
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
