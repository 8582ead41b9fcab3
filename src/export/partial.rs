//! What a collector says in the answer to a batch that it took.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceResponse;
use prost::Message;

use super::Delivery;

/// Reads the answer of any signal: they differ in the names of their fields only, which are not on the wire.
///
/// A body that cannot be read says nothing, but the status did: the batch was taken.
pub(crate) fn accepted(body: &[u8]) -> Delivery {
    let partial = ExportLogsServiceResponse::decode(body).ok().and_then(|answer| answer.partial_success);
    let partial = partial.unwrap_or_default();
    Delivery::Accepted {
        rejected: u64::try_from(partial.rejected_log_records).unwrap_or(0),
        message: Some(partial.error_message).filter(|message| !message.is_empty()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsPartialSuccess;

    #[test]
    fn a_partial_success_is_read_and_a_strange_body_says_nothing() {
        let partial =
            ExportLogsPartialSuccess { rejected_log_records: 3, error_message: "too old".to_owned() };
        let body = ExportLogsServiceResponse { partial_success: Some(partial) }.encode_to_vec();
        assert_eq!(accepted(&body), Delivery::Accepted { rejected: 3, message: Some("too old".to_owned()) });
        assert_eq!(accepted(b""), Delivery::Accepted { rejected: 0, message: None });
        assert_eq!(accepted(b"{}"), Delivery::Accepted { rejected: 0, message: None });
    }
}
