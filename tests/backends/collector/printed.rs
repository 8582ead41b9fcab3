//! How the text of the collector's debug exporter is read back into fields.

use std::collections::BTreeMap;

use crate::support::time::nanoseconds;

/// By name; a value of an attribute is printed with its type, as `Str(bookings)`.
pub(crate) type Fields = BTreeMap<String, String>;

/// One span or log record with what it stands under.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Printed {
    pub(crate) resource: Fields,
    pub(crate) resource_schema: String,
    /// Name and version.
    pub(crate) scope: String,
    pub(crate) scope_schema: String,
    /// What is no attribute; times as nanoseconds since 1970.
    pub(crate) fields: Fields,
    pub(crate) attributes: Fields,
    pub(crate) links: Vec<Fields>,
}

#[derive(Default)]
struct Reader {
    done: Vec<Printed>,
    /// What is above the entries, and the entry that is being read.
    above: Printed,
    entry: Option<Printed>,
    section: Section,
    /// The value that may go on in the next line.
    last: String,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Section {
    #[default]
    None,
    Resource,
    Attributes,
    Link,
}

const TIMES: [&str; 4] = ["Start time", "End time", "Timestamp", "ObservedTimestamp"];
const OF_A_LOG_RECORD: [&str; 9] = [
    "ObservedTimestamp",
    "Timestamp",
    "SeverityText",
    "SeverityNumber",
    "EventName",
    "Body",
    "Trace ID",
    "Span ID",
    "Flags",
];

/// Everything in it. A batch whose end is not written yet may miss its last fields.
pub(crate) fn read(text: &str) -> Vec<Printed> {
    let mut reader = Reader::default();
    text.lines().for_each(|line| reader.line(line));
    reader.finish();
    reader.done
}

impl Reader {
    fn line(&mut self, line: &str) {
        if self.goes_on() {
            let longer = format!("{}\n{line}", self.value());
            self.put(longer);
        } else if line.is_empty() || line.starts_with("Traces\t") || line.starts_with("Logs\t") {
            self.finish();
        } else if !self.heading(line) && !self.pair(line) {
            panic!("the collector printed what this test does not understand: {line:?}");
        }
    }

    /// A value ends with a bracket; one with line breaks in it ends some lines later.
    fn goes_on(&self) -> bool {
        let typed = self.section != Section::None || self.last == "Body";
        let value = self.value();
        typed && self.section != Section::Link && !self.last.is_empty() && !value.ends_with(')')
    }

    fn heading(&mut self, line: &str) -> bool {
        let counted = |what: &str| line.strip_prefix(what).is_some_and(|rest| rest.starts_with(" #"));
        self.last.clear();
        if counted("ResourceSpans") || counted("ResourceLog") {
            self.finish();
            self.above = Printed::default();
        } else if counted("ScopeSpans") || counted("ScopeLogs") {
            self.finish();
        } else if let Some(schema) = line.strip_prefix("Resource SchemaURL: ") {
            self.above.resource_schema = schema.to_owned();
        } else if let Some((_, schema)) =
            line.split_once(" SchemaURL: ").filter(|(what, _)| !what.contains(' '))
        {
            self.above.scope_schema = schema.to_owned();
        } else if let Some(scope) = line.strip_prefix("InstrumentationScope ") {
            self.above.scope = scope.to_owned();
        } else if counted("Span") || counted("LogRecord") {
            self.finish();
            self.entry = Some(self.above.clone());
        } else if counted("SpanLink") {
            self.section = Section::Link;
            self.entry().links.push(Fields::new());
        } else {
            self.section = match line {
                "Resource attributes:" => Section::Resource,
                "Attributes:" => Section::Attributes,
                "Links:" => Section::Link,
                _ => return false,
            };
        }
        true
    }

    fn pair(&mut self, line: &str) -> bool {
        let (name, value) = if let Some(attribute) = line.strip_prefix("     -> ") {
            let Some(pair) = attribute.split_once(": ") else { return false };
            pair
        } else {
            let (name, value) =
                line.split_once(": ").or(line.strip_suffix(':').map(|name| (name, ""))).unwrap();
            let name = name.trim();
            if !line.starts_with("    ") && !OF_A_LOG_RECORD.contains(&name) {
                return false;
            }
            self.section = Section::None;
            (name, value)
        };
        self.last = name.to_owned();
        let is_time = self.section == Section::None && TIMES.contains(&name);
        self.put(if is_time { nanoseconds(value).to_string() } else { value.to_owned() });
        true
    }

    fn put(&mut self, value: String) {
        let name = self.last.clone();
        self.target().insert(name, value);
    }

    fn value(&self) -> &str {
        let entry = self.entry.as_ref().unwrap_or(&self.above);
        let fields = match self.section {
            Section::None => &entry.fields,
            Section::Resource => &self.above.resource,
            Section::Attributes => &entry.attributes,
            Section::Link => return "",
        };
        fields.get(&self.last).map_or("", String::as_str)
    }

    fn target(&mut self) -> &mut Fields {
        match self.section {
            Section::Resource => &mut self.above.resource,
            Section::None => &mut self.entry().fields,
            Section::Attributes => &mut self.entry().attributes,
            Section::Link => self.entry().links.last_mut().unwrap(),
        }
    }

    fn entry(&mut self) -> &mut Printed {
        self.entry.as_mut().expect("a span or a record before its fields")
    }

    fn finish(&mut self) {
        self.done.extend(self.entry.take());
        self.section = Section::None;
        self.last.clear();
    }
}

#[test]
fn values_over_several_lines_are_read() {
    let text = "Traces\t{}\nResourceSpans #0\nResource SchemaURL: \nResource attributes:\n     -> a: Str(x)\n\
                ScopeSpans #0\nScopeSpans SchemaURL: s\nInstrumentationScope n v\nSpan #0\n    Name           : b\n\
                Attributes:\n     -> c: Str(one\n\n    two)\n     -> d: Int(1)\nLinks:\nSpanLink #0\n\
                \u{20}    -> ID: 1\n     -> TraceState: \nSpan #1\n    Name           : \n\nTraces\t{}\n";
    let read = read(text);
    assert_eq!(read.len(), 2, "{read:#?}");
    assert_eq!(read[0].attributes["c"], "Str(one\n\n    two)");
    assert_eq!((&*read[0].attributes["d"], &*read[0].links[0]["TraceState"]), ("Int(1)", ""));
    assert_eq!((&*read[1].fields["Name"], &*read[1].resource["a"], &*read[1].scope), ("", "Str(x)", "n v"));
}
