//! What is counted of messages: by the messaging conventions where they have a name, else by ours.

use ::metrics::{Counter, Label};

use super::facade::Keeper;
use super::key::error;
use super::series::{LabelSet, RedSeries};
use crate::account::Table;
use crate::names::{Conventions, label, metric};
use crate::record::{End, ErrorType, Hop, Interned, Message, Operation, Work};

/// Maximum number of counters of messages.
const MOST: usize = 1_000;

pub(super) struct Messages {
    processed: RedSeries<MessageKey>,
    operations: RedSeries<MessageKey>,
    waits: RedSeries<PlaceKey>,
    counters: Table<(Counted, PlaceKey, ErrorType), Counter>,
}

/// What is counted one by one.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Counted {
    Sent,
    Consumed,
    Duplicate,
    OutOfOrder,
}

/// An operation with messages.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct MessageKey {
    place: PlaceKey,
    operation: Operation,
    word: Option<Interned>,
    group: Option<Interned>,
    error: ErrorType,
}

/// Where messages are.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct PlaceKey {
    system: Option<Interned>,
    destination: Option<Interned>,
}

impl Messages {
    pub(super) const fn new() -> Self {
        Self {
            processed: RedSeries::new(metric::MESSAGING_PROCESS_DURATION),
            operations: RedSeries::new(metric::MESSAGING_CLIENT_OPERATION_DURATION),
            waits: RedSeries::new(metric::MESSAGES_WAIT_DURATION),
            counters: Table::new(MOST),
        }
    }

    /// Records the end of what was done with a message. The conventions' metrics need the messaging system to be known.
    pub(super) fn record(
        &self,
        (work, message): (&Work, &Message),
        seconds: f64,
        (hop, end): (&Hop, &End),
        keeper: Keeper,
    ) {
        let trace = hop.trace_now();
        let place = PlaceKey {
            system: work.system.as_deref().map(Interned::of),
            destination: work.destination.as_deref().map(Interned::of),
        };
        let (operation, error) = (message.operation, end.error_type);
        let key = MessageKey { place, operation, word: message.word, group: message.group, error };
        let is_processed = operation == Operation::Process;
        if place.system.is_some() {
            let series = if is_processed { &self.processed } else { &self.operations };
            series.of(key, keeper).record(seconds, trace, end.at);
            match operation {
                Operation::Send => self.count(Counted::Sent, place, error, message.count(), keeper),
                Operation::Process => self.count(Counted::Consumed, place, error, message.count(), keeper),
                Operation::Receive | Operation::Settle => {}
            }
        }
        if let Some(waited) = message.waited {
            self.waits.of(place, keeper).record(waited.as_secs_f64(), trace, end.at);
        }
        if is_processed && (message.known_by.is_some() || message.version.is_some()) {
            for (counted, is_so) in
                [(Counted::Duplicate, message.is_duplicate), (Counted::OutOfOrder, message.is_out_of_order)]
            {
                // At zero as well, so that the first one is seen.
                self.count(counted, place, ErrorType::None, is_so.into(), keeper);
            }
        }
    }

    /// Beyond the limit nothing is counted; the histograms have an overflow of their own.
    fn count(&self, counted: Counted, place: PlaceKey, error: ErrorType, by: u64, keeper: Keeper) {
        let key = (counted, place, error);
        let make = || {
            let mut labels = place.labels();
            labels.extend(super::key::error(error));
            (key, keeper.counter(counted.name(), labels))
        };
        if let Some((_, counter)) = self.counters.find_or_add(&key, make) {
            counter.increment(by);
        }
    }
}

impl Counted {
    const fn name(self) -> &'static str {
        match self {
            Self::Sent => metric::MESSAGING_CLIENT_SENT_MESSAGES,
            Self::Consumed => metric::MESSAGING_CLIENT_CONSUMED_MESSAGES,
            Self::Duplicate => metric::MESSAGES_DUPLICATE,
            Self::OutOfOrder => metric::MESSAGES_OUT_OF_ORDER,
        }
    }
}

impl LabelSet for PlaceKey {
    fn labels(self) -> Vec<Label> {
        let system = Conventions::of_messaging(label::MESSAGING_SYSTEM_NAME, label::MESSAGING_SYSTEM);
        let words = [(system, self.system), (label::MESSAGING_DESTINATION_NAME, self.destination)];
        words
            .into_iter()
            .filter_map(|(name, word)| Some(Label::from_static_parts(name, word?.as_str())))
            .collect()
    }
}

impl LabelSet for MessageKey {
    fn labels(self) -> Vec<Label> {
        let kind = self.operation.as_str();
        let mut labels = self.place.labels();
        labels.push(Label::from_static_parts(
            label::MESSAGING_OPERATION_NAME,
            self.word.map_or(kind, Interned::as_str),
        ));
        labels.push(Label::from_static_parts(label::MESSAGING_OPERATION_TYPE, kind));
        let group = self
            .group
            .map(|group| Label::from_static_parts(label::MESSAGING_CONSUMER_GROUP_NAME, group.as_str()));
        labels.extend(group);
        labels.extend(error(self.error));
        labels
    }
}
