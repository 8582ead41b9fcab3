//! Every name that leaves the process: log keys, span attributes, events, metrics, labels and headers.
//!
//! This is the reference for dashboards, alerts and queries. All of these names are under semantic versioning: a new
//! name is a minor version, a changed or removed one is a major version. A snapshot test holds them.
//!
//! | where | names |
//! |---|---|
//! | log lines | [`key`] for the format `json`; [`ecs`], [`logstash`], [`gelf`], [`otel`] |
//! | spans, log records, resource | [`attribute`], [`event`], [`tag`] for Zipkin |
//! | `/metrics` | [`metric`], [`label`] |
//! | metrics over OTLP | the same, as the [guide](crate::guide::prometheus#metrics-over-otlp) lists them |
//! | requests and responses | [`header`] |
//! | values of `error.type` | [`word`] |
//!
//! Environment variables are listed by [`variables`](crate::variables()).

mod conventions;
mod formats;
#[cfg(feature = "otlp")]
pub(crate) mod schema;
pub(crate) mod status;

pub(crate) use conventions::Conventions;
#[doc(hidden)]
pub use formats::FORMATS;
pub use formats::{ecs, gelf, logstash, otel};

/// A group of names: a constant for each, and all of them as a table.
macro_rules! names {
    ($($name:ident = $text:literal, $about:literal;)+) => {
        $(
            #[doc = concat!("`", $text, "`: ", $about)]
            pub const $name: &str = $text;
        )+

        /// Every name of this group with its description.
        #[doc(hidden)]
        pub const TABLE: &[(&str, &str)] = &[$(($text, $about)),+];
    };
}

pub mod attribute;
pub mod header;
#[doc(hidden)]
pub mod instrument;
pub mod key;
pub mod label;
pub mod metric;
pub mod tag;
pub mod word;

/// Event names of log records sent over OTLP.
pub mod event {
    names! {
        CALL = "observability.call",
            "A call failed.";
        PANIC = "observability.panic",
            "A thread panicked.";
        REQUEST = "observability.request",
            "A request was served; written at its end.";
        WORK = "observability.work",
            "A job ran or a message was processed; written at its end.";
    }
}
