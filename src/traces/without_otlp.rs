//! What is said where the feature `otlp` is off: there is no way out.

use super::{Limits, Record};
use crate::export::{Link, Transport};
use crate::resource::Resource;

/// No transport is built in.
pub(super) fn transport(
    _link: &Link,
    _limits: &Limits,
    _resource: &Resource,
) -> Result<Box<dyn Transport<Record>>, String> {
    Err("built without OTLP; add features = [\"otlp\"] to tower-observability in Cargo.toml".to_owned())
}
