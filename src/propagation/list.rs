//! The value of `OTEL_PROPAGATORS`: which formats a comma-separated list names.

use super::{Format, Formats, Propagators};
use crate::variable::Refusal;

/// Formats of the specification that are not served.
const NOT_SERVED: &[&str] = &["xray", "ottrace"];

fn expected() -> Refusal {
    let formats = "`tracecontext`, `baggage`, `b3`, `b3multi` and `jaeger`";
    Refusal::Expected(format!("`none`, or a comma-separated list of {formats}"))
}

impl Propagators {
    /// Reads the list; a format that is named twice counts once, where it is named first. The request id is no format
    /// of the list.
    pub(crate) fn from_list(list: &str) -> Result<Self, Refusal> {
        let mut chosen =
            Self { tracecontext: false, baggage: false, request_id: true, formats: Formats::NONE };
        let mut none = false;
        for name in list.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            match name.to_ascii_lowercase().as_str() {
                "tracecontext" if chosen.tracecontext => {}
                "tracecontext" => {
                    chosen.tracecontext = true;
                    chosen.formats.stand_before();
                }
                "baggage" => chosen.baggage = true,
                "none" => none = true,
                known if NOT_SERVED.contains(&known) => {
                    let instead = "the propagators stay as they are without this variable";
                    return Err(Refusal::NotServed(format!("`{known}` is not built in; {instead}")));
                }
                other => chosen.formats.set(Format::named(other).ok_or_else(expected)?, true),
            }
        }
        // Exactly one of the two: `none` beside a format contradicts it, and neither is an empty list.
        if none != chosen.has_any() { Ok(chosen) } else { Err(expected()) }
    }

    fn has_any(&self) -> bool {
        self.tracecontext || self.baggage || !self.formats.is_empty()
    }

    /// The list that names these formats, in the order in which they are read.
    pub(crate) fn list(self) -> String {
        if !self.has_any() {
            return "none".to_owned();
        }
        let [before, behind] = self.formats.names(self.tracecontext);
        let trace = self.tracecontext.then_some("tracecontext");
        let baggage = self.baggage.then_some("baggage");
        before.into_iter().chain(trace).chain(baggage).chain(behind).collect::<Vec<_>>().join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn served_lists_are_taken_and_shown_as_one_would_write_them() {
        for (list, shown) in [
            ("tracecontext,baggage", "tracecontext,baggage"),
            (" baggage , TraceContext,baggage,", "tracecontext,baggage"),
            ("tracecontext", "tracecontext"),
            ("baggage,baggage", "baggage"),
            ("b3,B3,b3", "b3"),
            ("jaeger,baggage,b3multi", "jaeger,b3multi,baggage"),
            ("b3,tracecontext,jaeger,b3,tracecontext,baggage", "b3,tracecontext,baggage,jaeger"),
            ("tracecontext,baggage,jaeger,b3multi,b3", "tracecontext,baggage,jaeger,b3multi,b3"),
            ("none", "none"),
            ("None,none", "none"),
        ] {
            let taken = Propagators::from_list(list).expect(list);
            assert_eq!(taken.list(), shown);
            assert_eq!(Propagators::from_list(shown), Ok(taken), "and read back");
            assert!(taken.request_id);
        }
    }

    #[test]
    fn a_known_format_that_is_not_served_is_named() {
        for name in NOT_SERVED {
            let refusal = Propagators::from_list(&format!("tracecontext,{name}"));
            assert!(matches!(refusal, Err(Refusal::NotServed(text)) if text.contains(name)), "{name}");
        }
    }

    #[test]
    fn everything_else_is_told_what_was_expected() {
        for list in
            ["w3c", "tracecontext;baggage", ",", "none,baggage", "tracecontext,none", "b3,none", "b3-multi"]
        {
            assert!(matches!(Propagators::from_list(list), Err(Refusal::Expected(_))), "{list}");
        }
    }
}
