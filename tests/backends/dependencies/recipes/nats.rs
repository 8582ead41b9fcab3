//! NATS through async-nats.

use async_nats::{Client, HeaderMap, Message, PublishError};
use tower_observability::{Work, propagation};

async fn send(nats: &Client, subject: &str, vote: &'static str) -> Result<(), PublishError> {
    Work::producer("send vote")
        .system("nats")
        .destination(subject.to_owned())
        .try_run(async {
            let mut headers = HeaderMap::new();
            propagation::inject_with(|key, value| headers.insert(key, value));
            nats.publish_with_headers(subject.to_owned(), headers, vote.into()).await
        })
        .await
}

async fn process(message: Message) {
    let headers = message.headers.as_ref();
    let remote = propagation::extract_with(|key| headers?.get(key).map(|value| value.as_str()));
    Work::consumer("process vote")
        .system("nats")
        .destination(message.subject.to_string())
        .parent(remote)
        .run(async { /* … */ })
        .await;
}

mod tests {
    use std::time::Duration;

    use futures_util::StreamExt as _;
    use tower_observability::testing::Instance;

    use super::super::super::{named, unique};
    use super::{process, send};
    use crate::support::systems::NATS;

    #[tokio::test]
    async fn a_message_over_nats_is_processed_in_the_senders_trace() {
        let (seen, subject) = (Instance::new(), unique("votes"));
        let nats = async_nats::connect(NATS.value()).await.unwrap();
        let mut votes = nats.subscribe(subject.clone()).await.unwrap();
        nats.flush().await.unwrap();
        let _subscriber = seen.subscribe();
        send(&nats, &subject, "blue").await.unwrap();
        let vote = tokio::time::timeout(Duration::from_secs(20), votes.next()).await.expect("the vote");
        process(vote.unwrap()).await;
        assert!(named(&seen, "process vote").is_child_of(&named(&seen, "send vote")), "{seen}");
        let place = [("messaging_system", "nats"), ("messaging_destination_name", &*subject)];
        assert_eq!(seen.metric("messaging_client_sent_messages_total", &place), 1.0);
        assert_eq!(seen.metric("messaging_client_consumed_messages_total", &place), 1.0);
    }
}
