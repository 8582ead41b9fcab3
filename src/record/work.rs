//! What a hop is that is no request: a job, a message, a query of a database.

use std::borrow::Cow;
use std::sync::OnceLock;

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
    Query(Box<Query>),
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
            Detail::Job => None,
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
