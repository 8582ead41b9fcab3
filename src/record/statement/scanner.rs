//! The scanner: a statement as words, names, values, parameters and signs. Every text is read to its end, in one pass.

/// Whose quotes and comments are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Postgres,
    Mysql,
    Sqlite,
    Other,
}

/// A piece of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    Space,
    Comment,
    Word(&'a str),
    /// A quoted name, and its quote.
    Name(char, &'a str),
    /// Text, a number, a truth value: what must not leave.
    Value,
    Parameter(&'a str),
    Sign(char),
    /// Whatever follows: it cannot be told apart from a value.
    Rest,
}

/// Reads a statement from its begin to its end.
#[derive(Clone)]
pub(super) struct Scanner<'a> {
    text: &'a str,
    dialect: Dialect,
    at: usize,
    /// The last token that is not space: was it a name or a word, or a dot?
    before: Before,
    /// The last word, where it stands right in front.
    has_ended: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Nothing,
    Name,
    Dot,
    /// A word behind which a table is named.
    TableFollows,
}

impl Dialect {
    /// The dialect of this `db.system.name`.
    pub(crate) fn of(system: &str) -> Self {
        match system {
            "postgresql" | "cockroachdb" | "aws.redshift" | "yugabytedb" => Self::Postgres,
            "mysql" | "mariadb" => Self::Mysql,
            "sqlite" => Self::Sqlite,
            _ => Self::Other,
        }
    }
}

const BEFORE_TABLES: [&str; 5] = ["from", "join", "into", "update", "table"];

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || !byte.is_ascii()
}

/// May this quoted name be shown?
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '$' | '.' | '-' | ' '))
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str, dialect: Dialect) -> Self {
        Self { text, dialect, at: 0, before: Before::Nothing, has_ended: false }
    }

    fn byte(&self, ahead: usize) -> u8 {
        self.text.as_bytes().get(self.at + ahead).copied().unwrap_or(0)
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Takes the bytes for which this holds; they end where a character does.
    fn take_while(&mut self, holds: impl Fn(u8) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.bytes().position(|byte| !holds(byte)).unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    /// Everything that follows is left out.
    fn give_up(&mut self) -> Token<'a> {
        self.has_ended = true;
        Token::Rest
    }

    /// The next piece; `None` at the end.
    pub(super) fn next(&mut self) -> Option<Token<'a>> {
        if self.has_ended || self.at >= self.text.len() {
            return None;
        }
        let token = self.token();
        self.before = match token {
            Token::Space | Token::Comment => self.before,
            Token::Word(word) if BEFORE_TABLES.iter().any(|known| word.eq_ignore_ascii_case(known)) => {
                Before::TableFollows
            }
            Token::Word(_) | Token::Name(..) => Before::Name,
            Token::Sign('.') => Before::Dot,
            _ => Before::Nothing,
        };
        Some(token)
    }

    fn token(&mut self) -> Token<'a> {
        match self.byte(0) {
            byte if byte.is_ascii_whitespace() => self.space(),
            b'-' if self.byte(1) == b'-' => self.dashes(),
            b'#' => self.hash(),
            b'/' if self.byte(1) == b'*' => self.comment(),
            b'\'' => self.quoted_value(b'\''),
            b'"' => self.double_quoted(),
            b'`' => self.quoted_name('`'),
            b'[' => self.bracket(),
            b'$' => self.dollar(),
            b'?' => self.parameter(),
            // Not the two colons of a cast.
            b':' if self.byte(1) == b':' => {
                self.at += 2;
                Token::Parameter("::")
            }
            b':' | b'@' if is_word(self.byte(1)) && !self.byte(1).is_ascii_digit() => self.parameter(),
            byte if byte.is_ascii_digit() => self.number(),
            b'.' if self.byte(1).is_ascii_digit() && self.before != Before::Name => self.number(),
            byte if is_word(byte) => self.word(),
            _ => self.sign(),
        }
    }

    fn space(&mut self) -> Token<'a> {
        self.take_while(|byte| byte.is_ascii_whitespace());
        Token::Space
    }

    fn sign(&mut self) -> Token<'a> {
        let sign = self.rest().chars().next().unwrap_or(' ');
        self.at += sign.len_utf8();
        Token::Sign(sign)
    }

    fn word(&mut self) -> Token<'a> {
        let word = self.take_while(is_word);
        let is = |known: &str| word.eq_ignore_ascii_case(known);
        // Oracle's quotes of one's own choice, and its passwords, which need none.
        if self.dialect == Dialect::Other
            && (self.byte(0) == b'\'' && (is("q") || is("nq")) || is("identified"))
        {
            return self.give_up();
        }
        let is_truth = word.eq_ignore_ascii_case("true") || word.eq_ignore_ascii_case("false");
        if is_truth { Token::Value } else { Token::Word(word) }
    }

    fn number(&mut self) -> Token<'a> {
        self.take_while(|byte| is_word(byte) || byte == b'.');
        let is_exponent = self.text.as_bytes().get(self.at.wrapping_sub(1)).is_some_and(|e| *e | 32 == b'e');
        if is_exponent && matches!(self.byte(0), b'+' | b'-') && self.byte(1).is_ascii_digit() {
            self.at += 1;
            self.take_while(is_word);
        }
        Token::Value
    }

    fn parameter(&mut self) -> Token<'a> {
        let start = self.at;
        self.at += 1;
        self.take_while(is_word);
        Token::Parameter(self.text.get(start..self.at).unwrap_or_default())
    }

    /// `--` begins a comment; MySQL asks for a space behind it, and where that is not known, it may be two minus signs.
    fn dashes(&mut self) -> Token<'a> {
        let is_spaced = matches!(self.byte(2), 0..=b' ');
        match self.dialect {
            Dialect::Mysql if !is_spaced => self.sign(),
            Dialect::Other if !is_spaced => self.give_up(),
            _ => self.line(),
        }
    }

    /// `#` begins a comment in MySQL, and is an operator in PostgreSQL.
    fn hash(&mut self) -> Token<'a> {
        match self.dialect {
            Dialect::Mysql => self.line(),
            Dialect::Postgres => self.sign(),
            Dialect::Sqlite | Dialect::Other => self.give_up(),
        }
    }

    fn line(&mut self) -> Token<'a> {
        self.take_while(|byte| byte != b'\n' && byte != b'\r');
        Token::Comment
    }

    /// Comments lie within comments in PostgreSQL only.
    fn comment(&mut self) -> Token<'a> {
        self.at += 2;
        let mut depth = 1;
        while self.at < self.text.len() {
            match (self.byte(0), self.byte(1)) {
                (b'*', b'/') => {
                    self.at += 2;
                    depth -= 1;
                    if depth == 0 {
                        return Token::Comment;
                    }
                }
                (b'/', b'*') => {
                    self.at += 2;
                    match self.dialect {
                        Dialect::Postgres => depth += 1,
                        Dialect::Mysql | Dialect::Sqlite => {}
                        Dialect::Other => return self.give_up(),
                    }
                }
                _ => self.at += 1,
            }
        }
        self.give_up()
    }

    /// Goes behind the closing quote; says where the content ends. A quote that is doubled is content. `None` if there is
    /// no closing quote, or a backslash makes it uncertain which one closes.
    fn close(&mut self, quote: u8, minds_backslashes: bool) -> Option<usize> {
        self.at += 1;
        let mut backslashes = 0;
        while self.at < self.text.len() {
            let byte = self.byte(0);
            if byte == quote && minds_backslashes && backslashes % 2 == 1 {
                return None;
            }
            if byte == quote && self.byte(1) != quote {
                self.at += 1;
                return Some(self.at - 1);
            }
            backslashes = if byte == b'\\' { backslashes + 1 } else { 0 };
            self.at += if byte == quote { 2 } else { 1 };
        }
        None
    }

    fn quoted_value(&mut self, quote: u8) -> Token<'a> {
        // Where three quotes begin a text, one of them does not end it (BigQuery).
        let quotes = (0..4).take_while(|ahead| self.byte(*ahead) == quote).count();
        if self.dialect == Dialect::Other && quotes == 3 {
            return self.give_up();
        }
        match self.close(quote, true) {
            Some(_) => Token::Value,
            None => self.give_up(),
        }
    }

    fn quoted_name(&mut self, quote: char) -> Token<'a> {
        let start = self.at + 1;
        let Some(end) = self.close(quote as u8, false) else { return self.give_up() };
        match self.text.get(start..end).filter(|name| is_plain(name)) {
            Some(name) => Token::Name(quote, name),
            None => Token::Value,
        }
    }

    /// A name in PostgreSQL and a value in MySQL. SQLite takes it for a value where there is no such name: there it is one
    /// only beside a dot, or where a table is named.
    fn double_quoted(&mut self) -> Token<'a> {
        match self.dialect {
            Dialect::Mysql | Dialect::Other => self.quoted_value(b'"'),
            Dialect::Postgres => self.quoted_name('"'),
            Dialect::Sqlite => {
                let is_named = matches!(self.before, Before::Dot | Before::TableFollows);
                let name = self.quoted_name('"');
                let is_name = is_named || self.byte(0) == b'.';
                if is_name || matches!(name, Token::Rest) { name } else { Token::Value }
            }
        }
    }

    /// An index, a list, or a name of SQL Server's, in which a quote would be no quote.
    fn bracket(&mut self) -> Token<'a> {
        if matches!(self.dialect, Dialect::Sqlite | Dialect::Other) {
            let rest = self.rest();
            let within = rest.find(']').and_then(|end| rest.get(..end)).unwrap_or(rest);
            if within.contains(['\'', '"', '`', '-', '#', '/']) {
                return self.give_up();
            }
        }
        self.sign()
    }

    /// A parameter (`$1`), or text between two equal tags (`$tag$ … $tag$`).
    fn dollar(&mut self) -> Token<'a> {
        let rest = self.rest();
        let tag = rest.get(1..).unwrap_or_default();
        let length = tag.bytes().position(|byte| !is_word(byte) || byte == b'$').unwrap_or(tag.len());
        let is_tag = tag.as_bytes().get(length) == Some(&b'$') && !self.byte(1).is_ascii_digit();
        if !is_tag || matches!(self.dialect, Dialect::Mysql | Dialect::Sqlite) {
            return if self.byte(1) == b'$' { self.give_up() } else { self.parameter() };
        }
        let tag = rest.get(..length + 2).unwrap_or_default();
        let body = rest.get(tag.len()..).unwrap_or_default();
        match body.find(tag) {
            Some(end) => {
                self.at += tag.len() + end + tag.len();
                Token::Value
            }
            None => self.give_up(),
        }
    }
}
