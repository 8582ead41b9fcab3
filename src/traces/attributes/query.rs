//! The attributes of a query, by the database conventions.

use crate::names::attribute as name;
use crate::record::{FieldValue, Query, Work};
use crate::traces::span_writer::{Attributes, SpanWriter};

/// Writes what was asked, and of which database.
pub(super) fn query(attributes: &mut Attributes<'_, impl SpanWriter>, work: &Work, query: &Query) {
    let statement = query.statement.get();
    attributes.known(name::DB_SYSTEM_NAME, work.system.as_deref().unwrap_or_default());
    let word = |word: Option<crate::record::Interned>| word.map_or("", |word| word.as_str());
    attributes.known(name::DB_NAMESPACE, word(query.namespace));
    attributes.known(name::DB_QUERY_SUMMARY, statement.summary.as_str());
    attributes.known(name::DB_OPERATION_NAME, statement.operation.as_str());
    attributes.known(name::DB_COLLECTION_NAME, word(statement.collection));
    attributes.known(name::DB_QUERY_TEXT, &*statement.text);
    attributes.known(name::DB_RESPONSE_STATUS_CODE, word(query.code.get().copied()));
    if let Some((address, port)) = query.server {
        attributes.known(name::SERVER_ADDRESS, address.as_str());
        if let Some(port) = port {
            attributes.number(name::SERVER_PORT, port);
        }
    }
    if let Some(batch) = query.batch {
        attributes.value(name::DB_OPERATION_BATCH_SIZE, FieldValue::U64(batch.into()));
    }
    if let Some(rows) = query.rows {
        attributes.value(name::DB_RESPONSE_RETURNED_ROWS, FieldValue::U64(rows));
    }
}
