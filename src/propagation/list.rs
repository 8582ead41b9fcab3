//! Owns the value of `OTEL_PROPAGATORS`: which formats a comma-separated list names.

use super::Propagators;
use crate::variable::Refusal;

/// Formats of the specification that are not served.
const NOT_SERVED: &[&str] = &["b3", "b3multi", "jaeger", "xray", "ottrace"];

fn expected() -> Refusal {
    Refusal::Expected("`none`, or a comma-separated list of `tracecontext` and `baggage`".to_owned())
}

impl Propagators {
    /// Reads the list; a format that is named twice counts once. The request id is no format of the list.
    pub(crate) fn from_list(list: &str) -> Result<Self, Refusal> {
        let mut chosen = Self { tracecontext: false, baggage: false, request_id: true };
        let mut none = false;
        for name in list.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            match name.to_ascii_lowercase().as_str() {
                "tracecontext" => chosen.tracecontext = true,
                "baggage" => chosen.baggage = true,
                "none" => none = true,
                known if NOT_SERVED.contains(&known) => {
                    let instead = "the propagators stay as they are without this variable";
                    return Err(Refusal::NotServed(format!("`{known}` is not built in yet; {instead}")));
                }
                _ => return Err(expected()),
            }
        }
        // Exactly one of the two: `none` beside a format contradicts it, and neither is an empty list.
        if none != (chosen.tracecontext || chosen.baggage) { Ok(chosen) } else { Err(expected()) }
    }

    /// The list that names these formats.
    pub(crate) fn list(self) -> &'static str {
        match (self.tracecontext, self.baggage) {
            (true, true) => "tracecontext,baggage",
            (true, false) => "tracecontext",
            (false, true) => "baggage",
            (false, false) => "none",
        }
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
            ("none", "none"),
            ("None,none", "none"),
        ] {
            let taken = Propagators::from_list(list).expect(list);
            assert_eq!(taken.list(), shown);
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
        for list in ["w3c", "tracecontext;baggage", ",", "none,baggage", "tracecontext,none"] {
            assert!(matches!(Propagators::from_list(list), Err(Refusal::Expected(_))), "{list}");
        }
    }
}
