//! OpenSearch as an agent and a person see it: lines in bulk, and questions to an index.

use http::Method;
use serde_json::{Value, json};

use super::http::{ask, post};
use super::systems::OPENSEARCH;

/// An index of one test. It is not there before its first line.
#[derive(Clone, Debug)]
pub struct Index(String);

impl Index {
    /// A fresh one; the name must begin as its template's pattern does.
    pub async fn fresh(name: &str) -> Self {
        let index = Self(name.to_owned());
        let url = OPENSEARCH.url(&format!("/{name}?ignore_unavailable=true"));
        ask(Method::DELETE, &url, &[], "").await.good();
        index
    }

    /// Sends lines as agents do, and returns those that were refused, with the reason.
    pub async fn add<'a>(&self, lines: impl IntoIterator<Item = &'a str>) -> Vec<Value> {
        let body: String = lines.into_iter().map(|line| format!("{{\"create\":{{}}}}\n{line}\n")).collect();
        let headers = [("content-type", "application/x-ndjson")];
        let url = OPENSEARCH.url(&format!("/{}/_bulk?refresh=true", self.0));
        let answer = ask(Method::POST, &url, &headers, body).await.json();
        let items = answer["items"].as_array().unwrap().iter();
        let refused: Vec<_> = items.filter(|item| item["create"]["status"] != 201).cloned().collect();
        assert_eq!(answer["errors"], !refused.is_empty(), "{answer}");
        refused
    }

    /// What it answers to this search.
    pub async fn search(&self, search: &Value) -> Value {
        post(&OPENSEARCH.url(&format!("/{}/_search", self.0)), search).await.json()
    }

    /// The lines that match all of these filters, as they were sent.
    pub async fn lines(&self, filters: &[Value]) -> Vec<Value> {
        let search = json!({ "size": 5_000, "query": { "bool": { "filter": filters } } });
        let answer = self.search(&search).await;
        let hits = answer["hits"]["hits"].as_array().unwrap().iter();
        hits.map(|hit| hit["_source"].clone()).collect()
    }

    /// One number made of all lines that match these filters.
    pub async fn number(&self, filters: &[Value], aggregation: &Value) -> f64 {
        let query = json!({ "bool": { "filter": filters } });
        let search = json!({ "size": 0, "query": query, "aggs": { "one": aggregation } });
        self.search(&search).await["aggregations"]["one"]["value"].as_f64().unwrap()
    }
}

/// Puts an index template in force, for the indices that are made from then on.
pub async fn template(name: &str, template: &Value) {
    let headers = [("content-type", "application/json")];
    let url = OPENSEARCH.url(&format!("/_index_template/{name}"));
    ask(Method::PUT, &url, &headers, template.to_string()).await.good();
}
