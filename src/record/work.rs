//! What a hop is that is no request: a job, a message, a query of a database.

use std::borrow::Cow;
use std::sync::OnceLock;
use std::time::Duration;

use super::{Interned, Stated};

/// A job, a message or a query.
#[derive(Debug, Default)]
pub(crate) struct Work {
    pub(crate) name: Cow<'static, str>,
    /// The messaging system, or the database's.
    pub(crate) system: Option<Cow<'static, str>>,
    pub(crate) destination: Option<Cow<'static, str>>,
    pub(crate) detail: Detail,
}

/// What it is precisely.
#[derive(Debug, Default)]
pub(crate) enum Detail {
    /// Nothing more is known than its kind.
    #[default]
    Job,
    Message(Box<Message>),
    Query(Box<Query>),
}

/// What is done with a message, or a batch of them.
#[derive(Debug, Default)]
pub(crate) struct Message {
    pub(crate) operation: Operation,
    /// The messaging system's own word for it.
    pub(crate) word: Option<Interned>,
    pub(crate) group: Option<Interned>,
    pub(crate) partition: Option<Cow<'static, str>>,
    pub(crate) offset: Option<i64>,
    pub(crate) id: Option<Cow<'static, str>>,
    pub(crate) batch: Option<u32>,
    /// For how long it waited between its sending and its processing.
    pub(crate) waited: Option<Duration>,
    /// What stands for its id in the memory of messages.
    pub(crate) known_by: Option<u64>,
    /// What stands for its key there, and its version.
    pub(crate) version: Option<(u64, u64)>,
    pub(crate) is_duplicate: bool,
    pub(crate) is_out_of_order: bool,
}

/// The conventions' types of operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Operation {
    Send,
    Receive,
    #[default]
    Process,
    Settle,
}

/// A query of a database.
#[derive(Debug)]
pub(crate) struct Query {
    pub(crate) statement: Stated,
    pub(crate) namespace: Option<Interned>,
    pub(crate) server: Option<(Interned, Option<u16>)>,
    pub(crate) batch: Option<u32>,
    pub(crate) rows: Option<u64>,
    /// The database's own code of its answer, where it is an error.
    pub(crate) code: OnceLock<Interned>,
    /// It holds a connection, and has queries of its own.
    pub(crate) is_transaction: bool,
}

impl Work {
    pub(crate) fn query(&self) -> Option<&Query> {
        match &self.detail {
            Detail::Query(query) => Some(query),
            Detail::Job | Detail::Message(_) => None,
        }
    }

    pub(crate) fn message(&self) -> Option<&Message> {
        match &self.detail {
            Detail::Message(message) => Some(message),
            Detail::Job | Detail::Query(_) => None,
        }
    }
}

impl Message {
    /// How many messages it is about.
    pub(crate) fn count(&self) -> u64 {
        self.batch.map_or(1, u64::from)
    }
}

impl Operation {
    /// The value of `messaging.operation.type`.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Receive => "receive",
            Self::Process => "process",
            Self::Settle => "settle",
        }
    }
}

impl Query {
    pub(crate) fn new(statement: Stated) -> Self {
        Self {
            statement,
            namespace: None,
            server: None,
            batch: None,
            rows: None,
            code: OnceLock::new(),
            is_transaction: false,
        }
    }

    /// The work that it is, in a database of this system.
    pub(crate) fn in_system(self, system: Cow<'static, str>) -> Work {
        let summary = self.statement.get().summary.as_str();
        let name = if summary.is_empty() { system.clone() } else { Cow::Borrowed(summary) };
        Work { name, system: Some(system), destination: None, detail: Detail::Query(Box::new(self)) }
    }
}
