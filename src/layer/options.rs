//! Owns the layer and its options.

/// What a foreign trace context may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// The request continues the caller's trace.
    #[default]
    Continue,
    /// The request starts a trace of its own and links to the caller's.
    Link,
    /// The caller's trace context is not read.
    Ignore,
}

/// The tower layer.
#[derive(Clone, Debug, Default)]
pub struct ObservabilityLayer {
    trust: Trust,
}

impl ObservabilityLayer {
    /// The server's side.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What a foreign trace context may do. Default: [`Trust::Continue`].
    #[must_use]
    pub fn trust(mut self, trust: Trust) -> Self {
        self.trust = trust;
        self
    }
}
