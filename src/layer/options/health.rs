//! Owns the health paths: requests that are told of only if they do not end well.

const HEALTH_PATHS: [&str; 8] =
    ["/live", "/livez", "/ready", "/readyz", "/health", "/healthz", "/metrics", "/-/healthy"];

/// Paths that probes ask for.
#[derive(Clone, Debug)]
pub(in crate::layer) struct HealthPaths {
    paths: Vec<String>,
    // A bit for each of their lengths: nearly every request's path is told apart by it.
    lengths: u64,
}

impl HealthPaths {
    pub(in crate::layer) fn new(paths: Vec<String>) -> Self {
        let lengths = paths.iter().fold(0, |lengths, path| lengths | length_bit(path));
        Self { paths, lengths }
    }

    #[inline]
    pub(in crate::layer) fn contains(&self, path: &str) -> bool {
        self.lengths & length_bit(path) != 0 && self.paths.iter().any(|health| health == path)
    }
}

impl Default for HealthPaths {
    fn default() -> Self {
        Self::new(HEALTH_PATHS.map(String::from).into())
    }
}

/// All lengths that are the same modulo 64 share a bit.
fn length_bit(path: &str) -> u64 {
    1 << (path.len() % 64)
}
