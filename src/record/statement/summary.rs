//! The summary: the operations of a statement and what they work on, in their order, as they are written (database spans,
//! "generating a summary of the query").

use smallvec::SmallVec;

use super::scanner::Token;
use crate::record::prefix;

/// A summary is cut at so many bytes, on whole words.
const LONGEST: usize = 255;
/// Deeper parentheses are not looked into.
const DEEPEST: usize = 64;

/// What is known of a statement so far.
pub(super) struct Summary {
    text: String,
    operation: String,
    operations: usize,
    target: String,
    targets: usize,
    levels: SmallVec<[Level; 8]>,
    /// So many parentheses are open beyond the deepest level.
    beyond: usize,
    begins: bool,
    before: Word,
    /// A table's name goes on behind a dot.
    is_dotted: bool,
    is_full: bool,
}

/// What one pair of parentheses is about.
#[derive(Clone, Copy, Default)]
struct Level {
    /// `FROM` names tables here.
    reads: bool,
    place: Place,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Elsewhere,
    /// A table is named next.
    Table,
    /// A table was named; another may follow a comma.
    Tables,
}

/// A word, as far as it matters for the next one.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Word {
    #[default]
    None,
    /// `FOR`, `ON`, `DO`, `THEN`, `KEY`: `UPDATE` and `DELETE` behind them are no operations.
    Clause,
    /// `IS DISTINCT FROM`.
    Distinct,
    /// `CREATE`, `DROP`, `ALTER`, `TRUNCATE`: the kind of thing follows.
    Definition,
    Merge,
    Other,
}

const KINDS: [&str; 9] =
    ["table", "index", "view", "database", "schema", "function", "procedure", "trigger", "sequence"];
const SKIPPED: [&str; 7] = ["only", "lateral", "if", "not", "exists", "concurrently", "ignore"];
const ENDS_TABLES: [&str; 18] = [
    "where",
    "set",
    "values",
    "group",
    "order",
    "limit",
    "having",
    "union",
    "on",
    "using",
    "returning",
    "for",
    "window",
    "fetch",
    "offset",
    "intersect",
    "except",
    "default",
];

/// As much of a summary as is kept.
pub(super) fn cut(summary: &str) -> &str {
    if summary.len() <= LONGEST {
        return summary;
    }
    let kept = prefix(summary, LONGEST);
    kept.rfind(' ').and_then(|space| kept.get(..space)).unwrap_or(kept)
}

fn is_one_of(word: &str, words: &[&str]) -> bool {
    words.iter().any(|known| word.eq_ignore_ascii_case(known))
}

impl Default for Summary {
    fn default() -> Self {
        Self {
            text: String::new(),
            operation: String::new(),
            operations: 0,
            target: String::new(),
            targets: 0,
            levels: SmallVec::from_elem(Level::default(), 1),
            beyond: 0,
            begins: true,
            before: Word::None,
            is_dotted: false,
            is_full: false,
        }
    }
}

impl Summary {
    pub(super) fn is_full(&self) -> bool {
        self.is_full
    }

    /// The summary, the first operation, and the table if there is one of both.
    pub(super) fn end(self) -> (String, String, Option<String>) {
        let is_single = self.operations == 1 && self.targets == 1;
        (self.text, self.operation, is_single.then_some(self.target))
    }

    pub(super) fn token(&mut self, token: Token<'_>) {
        if self.is_full || self.beyond > 0 && !matches!(token, Token::Sign('(' | ')')) {
            return;
        }
        match token {
            Token::Space | Token::Comment => {}
            Token::Sign('.') => self.is_dotted = true,
            Token::Word(word) if self.is_dotted => self.goes_on(word),
            Token::Name(_, name) if self.is_dotted => self.goes_on(name),
            Token::Word(word) => self.word(word),
            Token::Name(_, name) => self.name(name),
            Token::Sign(sign) => self.sign(sign),
            Token::Value | Token::Parameter(_) | Token::Rest => {
                self.is_dotted = false;
                if self.place() == Place::Table {
                    self.set_place(Place::Elsewhere);
                }
            }
        }
    }

    fn place(&self) -> Place {
        self.levels.last().map_or(Place::Elsewhere, |level| level.place)
    }

    fn set_place(&mut self, place: Place) {
        if let Some(level) = self.levels.last_mut() {
            level.place = place;
        }
    }

    fn reads(&mut self) {
        if let Some(level) = self.levels.last_mut() {
            *level = Level { reads: true, place: Place::Elsewhere };
        }
    }

    fn sign(&mut self, sign: char) {
        self.is_dotted = false;
        match sign {
            '(' if self.levels.len() >= DEEPEST => self.beyond += 1,
            ')' if self.beyond > 0 => self.beyond -= 1,
            '(' => {
                // What is in parentheses where a table is named stands for one.
                if self.place() == Place::Table {
                    self.set_place(Place::Tables);
                }
                self.levels.push(Level::default());
            }
            ')' if self.levels.len() > 1 => drop(self.levels.pop()),
            ',' if self.place() == Place::Tables => self.set_place(Place::Table),
            ';' => {
                self.levels.truncate(1);
                self.levels.fill(Level::default());
                (self.begins, self.before) = (true, Word::None);
            }
            _ => {}
        }
    }

    /// A name's next part, behind a dot.
    fn goes_on(&mut self, part: &str) {
        self.is_dotted = false;
        if self.place() == Place::Tables && self.targets > 0 && self.text.ends_with(self.target.as_str()) {
            let (length, own) = (self.text.len(), self.target.len());
            for text in [&mut self.text, &mut self.target] {
                text.push('.');
                text.push_str(part);
            }
            if self.text.len() > LONGEST {
                self.text.truncate(length - own);
                self.text.truncate(self.text.trim_end().len());
                self.is_full = true;
            }
        }
    }

    fn name(&mut self, name: &str) {
        self.begins = false;
        self.before = Word::Other;
        if self.place() == Place::Table {
            self.add_target(name);
        }
    }

    fn word(&mut self, word: &str) {
        let before = std::mem::replace(&mut self.before, Word::Other);
        let begins = std::mem::replace(&mut self.begins, false);
        let is = |known: &str| word.eq_ignore_ascii_case(known);
        let is_operation = before != Word::Clause;
        if is("select") || is("delete") && is_operation {
            self.add_operation(word);
            self.reads();
        } else if is("update") && is_operation {
            self.add_operation(word);
            self.set_place(Place::Table);
        } else if is("insert") && is_operation {
            self.add_operation(word);
        } else if begins {
            self.first(word);
        } else if before == Word::Definition && is_one_of(word, &KINDS) {
            self.push(word);
            self.set_place(Place::Table);
        } else if is("from")
            && before != Word::Distinct
            && self.levels.last().is_some_and(|level| level.reads)
            || is("join")
            || is("into")
            || is("using") && self.operation.eq_ignore_ascii_case("merge")
        {
            self.set_place(Place::Table);
        } else if is_one_of(word, &["for", "on", "do", "then", "key"]) {
            self.before = Word::Clause;
            self.set_place(Place::Elsewhere);
        } else if is("distinct") {
            self.before = Word::Distinct;
        } else if is_one_of(word, &["create", "temp", "temporary", "unique", "or", "replace"])
            && before == Word::Definition
        {
            self.before = Word::Definition;
        } else {
            self.other(word);
        }
    }

    /// The first word of a statement that is none of the usual ones.
    fn first(&mut self, word: &str) {
        if word.eq_ignore_ascii_case("with") {
            return;
        }
        self.add_operation(word);
        if is_one_of(word, &["create", "drop", "alter", "truncate"]) {
            self.before = Word::Definition;
        } else if is_one_of(word, &["call", "exec", "execute"]) {
            self.set_place(Place::Table);
        } else if word.eq_ignore_ascii_case("merge") {
            self.before = Word::Merge;
        }
    }

    fn other(&mut self, word: &str) {
        match self.place() {
            Place::Table if is_one_of(word, &SKIPPED) => {}
            Place::Table => self.add_target(word),
            Place::Tables if is_one_of(word, &ENDS_TABLES) => self.set_place(Place::Elsewhere),
            Place::Tables | Place::Elsewhere => {}
        }
    }

    fn add_operation(&mut self, word: &str) {
        self.operations += 1;
        if self.operation.is_empty() {
            word.clone_into(&mut self.operation);
        }
        self.push(word);
    }

    fn add_target(&mut self, name: &str) {
        self.targets += 1;
        name.clone_into(&mut self.target);
        self.push(name);
        self.set_place(Place::Tables);
    }

    fn push(&mut self, word: &str) {
        let space = usize::from(!self.text.is_empty());
        if self.text.len() + space + word.len() > LONGEST {
            self.is_full = true;
            return;
        }
        if space > 0 {
            self.text.push(' ');
        }
        self.text.push_str(word);
    }
}
