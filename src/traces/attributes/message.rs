//! The attributes of a message, by the messaging conventions.

use crate::names::{Conventions, attribute as name};
use crate::record::{FieldValue, Kind, Message, Operation, Work};
use crate::traces::span_writer::{Attributes, SpanWriter};

/// Writes what was done, and with which message.
pub(super) fn message(attributes: &mut Attributes<'_, impl SpanWriter>, kind: Kind, work: &Work) {
    let message = work.message();
    if let Some(system) = &work.system {
        let key = Conventions::of_messaging(name::MESSAGING_SYSTEM_NAME, name::MESSAGING_SYSTEM);
        attributes.text(key, &**system);
        let of_kind = || match kind {
            Kind::Producer => Operation::Send,
            Kind::Client => Operation::Receive,
            Kind::Consumer | Kind::Internal | Kind::Server => Operation::Process,
        };
        let operation = message.map_or_else(of_kind, |message| message.operation).as_str();
        let word = message.and_then(|message| message.word).map_or(operation, |word| word.as_str());
        attributes.text(name::MESSAGING_OPERATION_NAME, word);
        attributes.text(name::MESSAGING_OPERATION_TYPE, operation);
    }
    if let Some(destination) = &work.destination {
        attributes.text(name::MESSAGING_DESTINATION_NAME, &**destination);
    }
    if let Some(message) = message {
        details(attributes, message);
    }
}

fn details(attributes: &mut Attributes<'_, impl SpanWriter>, message: &Message) {
    attributes.known(name::MESSAGING_CONSUMER_GROUP_NAME, message.group.map_or("", |group| group.as_str()));
    attributes
        .known(name::MESSAGING_DESTINATION_PARTITION_ID, message.partition.as_deref().unwrap_or_default());
    attributes.known(name::MESSAGING_MESSAGE_ID, message.id.as_deref().unwrap_or_default());
    if let Some(offset) = message.offset {
        let key = Conventions::of_messaging(name::KAFKA_OFFSET, name::MESSAGING_KAFKA_OFFSET);
        attributes.value(key, FieldValue::I64(offset));
    }
    if let Some(count) = message.batch {
        attributes.value(name::MESSAGING_BATCH_MESSAGE_COUNT, FieldValue::U64(count.into()));
    }
}
