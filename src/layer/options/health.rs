//! The health paths, whose requests are recorded only if they fail.

const HEALTH_PATHS: [&str; 9] = [
    "/live",
    "/livez",
    "/ready",
    "/readyz",
    "/health",
    "/healthz",
    "/metrics",
    "/-/healthy",
    "/grpc.health.v1.Health/Check",
];

/// Paths that probes ask for.
#[derive(Clone, Debug)]
pub(crate) struct HealthPaths {
    paths: Vec<String>,
    // A bit for each length among them: it rules out nearly every other path without a comparison.
    lengths: u64,
    /// Paths below which every path is one, with the slash.
    below: Vec<String>,
}

impl HealthPaths {
    pub(crate) fn new(mut paths: Vec<String>) -> Self {
        let below = paths.extract_if(.., |path| path.ends_with("/*"));
        let below = below.map(|path| path.trim_end_matches('*').to_owned()).collect();
        let lengths = paths.iter().fold(0, |lengths, path| lengths | length_bit(path));
        Self { paths, lengths, below }
    }

    #[inline]
    pub(crate) fn contains(&self, path: &str) -> bool {
        self.lengths & length_bit(path) != 0 && self.paths.iter().any(|health| health == path)
            || self.below.iter().any(|above| path.starts_with(above.as_str()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_named_by_itself_or_by_one_above_it() {
        let paths = HealthPaths::new(["/live", "/probe/*"].map(String::from).into());
        let is = |path| paths.contains(path);
        assert_eq!(["/live", "/probe/db", "/probe/db/7"].map(is), [true; 3]);
        assert_eq!(["/probe", "/probes/db", "/live/x", "/x/live", "/*", ""].map(is), [false; 6]);
        assert!(HealthPaths::new(vec!["/*".into()]).contains("/anything"));
    }
}
