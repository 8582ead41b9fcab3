//! AWS SQS: its message attributes, with a stand-in for the SDK's type.

use std::collections::HashMap;

use tower_observability::{Work, propagation};

/// As `aws_sdk_sqs::types::MessageAttributeValue` has it, which is made by a builder.
struct MessageAttributeValue {
    data_type: String,
    string_value: Option<String>,
}

async fn send() -> HashMap<String, MessageAttributeValue> {
    let mut attributes = HashMap::new();
    Work::producer("send order")
        .system("aws_sqs")
        .destination("orders")
        .run(async {
            // A message has room for ten; ours are four in the default format.
            propagation::inject_with(|key, value| {
                let (data_type, string_value) = ("String".to_owned(), Some(value.to_owned()));
                attributes.insert(key.to_owned(), MessageAttributeValue { data_type, string_value });
            });
            // sqs.send_message().set_message_attributes(Some(attributes)).send().await
        })
        .await;
    attributes
}

/// Ask for them: `receive_message().message_attribute_names("All")`.
async fn process(id: &str, attributes: &HashMap<String, MessageAttributeValue>) {
    let remote = propagation::extract_with(|key| attributes.get(key)?.string_value.as_ref());
    Work::consumer("process order")
        .system("aws_sqs")
        .destination("orders")
        .message(id)
        .parent(remote)
        .run(async { /* … */ })
        .await;
}

mod tests {
    use tower_observability::testing::Instance;

    use super::super::super::named;
    use super::{process, send};

    #[tokio::test]
    async fn attributes_of_sqs_carry_the_context() {
        let seen = Instance::new();
        let _subscriber = seen.subscribe();
        let attributes = send().await;
        assert!(attributes.len() <= 4 && attributes.values().all(|value| value.data_type == "String"));
        process("message-1", &attributes).await;
        process("message-1", &attributes).await;
        let sent = named(&seen, "send order");
        let spans = seen.spans();
        let processed: Vec<_> = spans.iter().filter(|span| span.name == "process order").collect();
        assert!(processed.len() == 2 && processed.iter().all(|span| span.is_child_of(&sent)), "{seen}");
        // A queue that is no FIFO delivers at least once.
        assert_eq!(processed[1].attribute("observability.message.duplicate"), true);
    }
}
