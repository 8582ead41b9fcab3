//! Owns the options of the admin listener.

/// Options of the admin listener.
#[derive(Clone, Debug, Default)]
#[must_use = "hand it to `Builder::admin`"]
pub struct Admin {}
