//! Every name that leaves the process: headers, log keys, attributes, events, metrics and labels.
//!
//! They are under semantic versioning: `tests/promises/wire.rs` holds a snapshot of this file's values.

mod formats;
#[cfg(feature = "otlp")]
pub(crate) mod schema;
pub(crate) mod status;

pub use formats::{FORMATS, ecs, gelf, logstash, otel};

/// A group of names: a constant each, and the group as a table from which the README's is made.
macro_rules! names {
    ($($name:ident = $text:literal, $about:literal;)+) => {
        $(
            #[doc = $about]
            pub const $name: &str = $text;
        )+

        /// Every name of this group, with what it says.
        pub const TABLE: &[(&str, &str)] = &[$(($text, $about)),+];
    };
}

pub mod attribute;
pub mod header;
pub mod key;
pub mod label;
pub mod metric;
pub mod tag;
pub mod word;

/// Names of events, of log records over OTLP.
pub mod event {
    names! {
        CALL = "observability.call",
            "A call that did not end well.";
        PANIC = "observability.panic",
            "A thread panicked.";
        REQUEST = "observability.request",
            "A request that was served, at its end.";
        WORK = "observability.work",
            "A job or a message, at its end.";
    }
}
