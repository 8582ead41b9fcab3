//! What is said where the feature `otlp` is off: there is no way out.

use std::sync::Arc;

use super::Record;
use super::fit::{Limits, Shortened};
use crate::export::{Link, Transport};
use crate::resource::Resource;

/// No transport is built in.
pub(super) fn transport(
    _link: &Link,
    _limits: Limits,
    _resource: &Resource,
    _shortened: &Arc<Shortened>,
) -> Result<Box<dyn Transport<Record>>, String> {
    Err("built without OTLP; add features = [\"otlp\"] to tower-observability in Cargo.toml".to_owned())
}
