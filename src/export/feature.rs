//! Features for exporting, and the warning if a configured one is not built in.

/// A feature of this crate that a way out may need.
#[derive(Debug)]
pub(crate) struct Feature {
    what: &'static str,
    name: &'static str,
    is_on: bool,
}

#[cfg(feature = "otlp-grpc")]
const HAS_GRPC: bool = true;
#[cfg(not(feature = "otlp-grpc"))]
const HAS_GRPC: bool = false;
#[cfg(feature = "tls")]
const HAS_TLS: bool = true;
#[cfg(not(feature = "tls"))]
const HAS_TLS: bool = false;
#[cfg(feature = "gzip")]
const HAS_GZIP: bool = true;
#[cfg(not(feature = "gzip"))]
const HAS_GZIP: bool = false;

pub(crate) const GRPC: Feature = Feature { what: "OTLP over gRPC", name: "otlp-grpc", is_on: HAS_GRPC };
pub(crate) const TLS: Feature = Feature { what: "TLS", name: "tls", is_on: HAS_TLS };
pub(crate) const GZIP: Feature = Feature { what: "gzip", name: "gzip", is_on: HAS_GZIP };

impl Feature {
    /// # Errors
    ///
    /// The feature is not built in; the text says what to add in Cargo.toml.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.is_on { Ok(()) } else { Err(self.missing()) }
    }

    fn missing(&self) -> String {
        let Self { what, name, .. } = self;
        format!("{what} is not built in; add features = [\"{name}\"] to tower-observability in Cargo.toml")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_feature_is_named_with_what_adds_it() {
        let lacking = Feature { what: "TLS", name: "tls", is_on: false };
        let remedy = "add features = [\"tls\"] to tower-observability in Cargo.toml";
        assert_eq!(lacking.check(), Err(format!("TLS is not built in; {remedy}")));
        assert_eq!(Feature { is_on: true, ..lacking }.check(), Ok(()));
    }
}
