//! A statement as it may leave the process: what it does, in few words, and its text without a value.
//!
//! One pass over the statement makes both. Where two databases read the same bytes differently, such as a backslash before
//! a quote, and so a value might be taken for something else, the rest is left out: nothing is guessed.

mod scanner;
mod summary;

use std::fmt;
use std::iter::Peekable;
use std::str::Chars;

pub(crate) use self::scanner::Dialect;

use self::scanner::{Scanner, Token};
use self::summary::Summary;
use super::{Interned, prefix};
use crate::account::Table;

/// What is kept of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Statement {
    /// Operations and targets in their order: `SELECT songs artists`. Empty if there is neither.
    pub(crate) summary: Interned,
    pub(crate) operation: Interned,
    /// The one table, of a statement that has one operation and one table.
    pub(crate) collection: Option<Interned>,
    /// Its text without values; empty if it is not known.
    pub(crate) text: Box<str>,
}

/// A statement that is kept for the next time, or this one's own.
#[derive(Clone)]
pub(crate) enum Stated {
    Known(&'static Statement),
    Own(Box<Statement>),
}

/// The text is cut at so many bytes.
pub(crate) const LONGEST_TEXT: usize = 2_048;
/// So many bytes of a statement are read.
const MOST_READ: usize = 32 * 1024;
/// So many statements of each dialect are kept, of those that have no values.
const MOST_KEPT: usize = 500;
/// A longer one is not kept.
const LONGEST_KEPT: usize = 2_048;

static KEPT: [Table<Box<str>, Statement>; 4] = [const { Table::new(MOST_KEPT) }; 4];

impl Stated {
    /// Reads a statement. One without values is read once in the process's life: its text cannot hold one.
    pub(crate) fn read(text: &str, dialect: Dialect) -> Self {
        let kept = &KEPT[dialect as usize];
        let is_short = text.len() <= LONGEST_KEPT;
        if let Some((_, known)) = is_short.then(|| kept.find(text)).flatten() {
            return Self::Known(known);
        }
        let read = read(text, dialect);
        let may_be_kept = !read.has_values && is_short;
        let statement = Statement::from(read);
        let keep = || kept.find_or_add(text, || (text.into(), statement.clone()));
        match may_be_kept.then(keep).flatten() {
            Some((_, known)) => Self::Known(known),
            None => Self::Own(Box::new(statement)),
        }
    }

    /// What the user says of a command whose text is not known: `GET`, `find bookings`.
    pub(crate) fn named(summary: &str) -> Self {
        let summary = summary::cut(summary.trim());
        let mut words = summary.split_ascii_whitespace();
        let operation = words.next().unwrap_or_default();
        let collection = words.next().filter(|_| words.next().is_none());
        Self::Own(Box::new(Statement {
            summary: Interned::of(summary),
            operation: Interned::of(operation),
            collection: collection.map(Interned::of),
            text: Box::default(),
        }))
    }

    pub(crate) fn get(&self) -> &Statement {
        match self {
            Self::Known(statement) => statement,
            Self::Own(statement) => statement,
        }
    }

    /// The same with another collection.
    pub(crate) fn with_collection(&self, collection: &str) -> Self {
        let statement = self.get().clone();
        Self::Own(Box::new(Statement { collection: Some(Interned::of(collection)), ..statement }))
    }
}

impl fmt::Debug for Stated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Stated").field(&self.get().summary.as_str()).finish()
    }
}

impl From<Read> for Statement {
    fn from(read: Read) -> Self {
        Self {
            summary: Interned::of(&read.summary),
            operation: Interned::of(&read.operation),
            collection: read.collection.as_deref().map(Interned::of),
            text: read.text,
        }
    }
}

/// What was read of a statement.
struct Read {
    summary: String,
    operation: String,
    collection: Option<String>,
    text: Box<str>,
    has_values: bool,
}

/// Reads a statement.
fn read(statement: &str, dialect: Dialect) -> Read {
    let begin = prefix(statement, MOST_READ);
    let is_whole = begin.len() == statement.len();
    let mut scanner = Scanner::new(begin, dialect);
    let (mut writing, mut summary) = (Writing::default(), Summary::default());
    while let Some(token) = scanner.next() {
        summary.token(token);
        writing.token(token);
        if writing.is_after_in && matches!(token, Token::Sign('(')) {
            writing.is_after_in = false;
            if let Some(after) = list_of_values(&scanner) {
                writing.list();
                scanner = after;
                summary.token(Token::Sign(')'));
            }
        }
        if writing.is_full() && summary.is_full() {
            break;
        }
    }
    let (summary, operation, collection) = summary.end();
    let has_values = writing.has_values || !is_whole;
    Read { summary, operation, collection, text: writing.end(is_whole), has_values }
}

/// Reads on behind `IN (`: where the list ends, if it has only values and parameters.
fn list_of_values<'a>(scanner: &Scanner<'a>) -> Option<Scanner<'a>> {
    let mut ahead = scanner.clone();
    loop {
        match ahead.next()? {
            Token::Value | Token::Parameter(_) | Token::Space | Token::Comment => {}
            Token::Sign(',' | '-' | '+') => {}
            Token::Sign(')') => return Some(ahead),
            _ => return None,
        }
    }
}

/// The text of a database's error without what may be a value: what stands in quotes or behind what announces a row or a key,
/// and numbers.
pub(crate) fn without_values(error: &str) -> String {
    let mut shown = String::with_capacity(error.len());
    let mut rest = error.chars().peekable();
    let mut before = ' ';
    while let Some(c) = rest.next() {
        let is_apostrophe =
            c == '\'' && before.is_alphanumeric() && rest.peek().is_some_and(|c| c.is_alphanumeric());
        let closes = match c {
            '\'' | '"' | '`' if !is_apostrophe => Some(c),
            '(' if BEFORE_VALUES.iter().any(|before| shown.ends_with(before)) => Some(')'),
            _ => None,
        };
        if let Some(close) = closes {
            shown.push('?');
            // Without an end, everything that follows may be the value.
            if !(shown.ends_with("Duplicate entry ?") && pass_entry(&mut rest)) {
                pass(&mut rest, close);
            }
        } else if c.is_numeric() {
            while rest.next_if(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | ':')).is_some() {}
            shown.push('?');
        } else {
            shown.push(c);
        }
        before = c;
    }
    shown
}

/// What stands before values in parentheses: of a constraint (PostgreSQL), of a row (PostgreSQL), of a key (SQL Server).
const BEFORE_VALUES: [&str; 3] = ["=", " contains ", " value is "];

/// Goes behind a value of MySQL's, which may have any quotes, and that a key's name follows; false if none does.
fn pass_entry(rest: &mut Peekable<Chars<'_>>) -> bool {
    let left: String = rest.clone().collect();
    let length = left.rfind("' for key").map(|end| left[..=end].chars().count());
    length.into_iter().for_each(|length| _ = rest.nth(length - 1));
    length.is_some()
}

/// Goes behind the end of a value. Databases do not escape what they quote: a parenthesis may be the value's own unless it is
/// the last one, and so may a quote within a word.
fn pass(rest: &mut Peekable<Chars<'_>>, close: char) {
    let find = |rest: &mut Peekable<Chars<'_>>| rest.find(|c| *c == close).is_some();
    if close == ')' {
        let left = rest.clone().filter(|c| *c == close).count();
        (0..left.max(1)).for_each(|_| _ = find(rest));
    } else {
        while find(rest) && rest.peek().is_some_and(|c| c.is_alphanumeric()) {}
    }
}

/// The text while it is written.
#[derive(Default)]
struct Writing {
    text: String,
    is_after_in: bool,
    has_values: bool,
    is_cut: bool,
}

impl Writing {
    fn token(&mut self, token: Token<'_>) {
        if self.is_full() && !matches!(token, Token::Value | Token::Rest) {
            return;
        }
        match token {
            // A trace's id in a comment makes every statement another one.
            Token::Comment => {
                self.has_values = true;
                self.token(Token::Space);
            }
            Token::Space if self.text.is_empty() || self.text.ends_with(' ') => {}
            Token::Space => self.text.push(' '),
            Token::Value | Token::Rest => {
                self.has_values = true;
                self.is_cut |= matches!(token, Token::Rest);
                self.text.push('?');
            }
            Token::Word(word) | Token::Parameter(word) => self.text.push_str(word),
            Token::Name(quote, name) => {
                self.text.push(quote);
                self.text.push_str(name);
                self.text.push(quote);
            }
            Token::Sign(sign) => self.text.push(sign),
        }
        match token {
            Token::Word(word) => self.is_after_in = word.eq_ignore_ascii_case("in"),
            Token::Space | Token::Comment | Token::Sign('(') => {}
            _ => self.is_after_in = false,
        }
    }

    /// A list of values, behind its parenthesis.
    fn list(&mut self) {
        // How many there are is as good as a value where statements are compared, and the statement is not kept.
        self.has_values = true;
        self.text.push_str("?)");
    }

    fn is_full(&self) -> bool {
        self.text.len() >= LONGEST_TEXT
    }

    fn end(mut self, is_whole: bool) -> Box<str> {
        let whole = self.text.trim_end().len();
        self.text.truncate(whole);
        let end = prefix(&self.text, LONGEST_TEXT).len();
        if end < self.text.len() || self.is_cut || !is_whole {
            self.text.truncate(end);
            self.text.push('…');
        }
        self.text.into()
    }
}

#[cfg(test)]
mod tests;
