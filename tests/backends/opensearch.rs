//! Owns what OpenSearch, for Elasticsearch's API, answers about the workshop's lines.
