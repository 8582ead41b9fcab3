//! The features of the way out, and what is said where a configured one is not built in.

use super::http::{grpc, gzip, pem};

/// A feature of this crate that a way out may need.
#[derive(Debug)]
pub(crate) struct Feature {
    what: &'static str,
    name: &'static str,
    is_on: bool,
}

pub(crate) const GRPC: Feature =
    Feature { what: "OTLP over gRPC", name: "otlp-grpc", is_on: grpc::IS_BUILT_IN };
pub(crate) const TLS: Feature = Feature { what: "TLS", name: "tls", is_on: pem::IS_BUILT_IN };
pub(crate) const GZIP: Feature = Feature { what: "gzip", name: "gzip", is_on: gzip::IS_BUILT_IN };

impl Feature {
    /// Is it built in?
    ///
    /// # Errors
    ///
    /// It is not; the text has the line of Cargo.toml that changes that.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.is_on { Ok(()) } else { Err(self.missing()) }
    }

    fn missing(&self) -> String {
        let version = concat!(env!("CARGO_PKG_VERSION_MAJOR"), ".", env!("CARGO_PKG_VERSION_MINOR"));
        let Self { what, name, .. } = self;
        format!(
            "{what} is not built in; it is with this line in Cargo.toml: \
             tower-observability = {{ version = \"{version}\", features = [\"{name}\"] }}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_feature_is_named_with_the_line_that_adds_it() {
        let lacking = Feature { what: "TLS", name: "tls", is_on: false };
        let line = "tower-observability = { version = \"0.1\", features = [\"tls\"] }";
        assert_eq!(
            lacking.check(),
            Err(format!("TLS is not built in; it is with this line in Cargo.toml: {line}"))
        );
        assert_eq!(Feature { is_on: true, ..lacking }.check(), Ok(()));
    }
}
