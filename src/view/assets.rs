//! The page's files, which are in the program.

/// Path, content type and text of each.
pub(super) const ASSETS: &[(&str, &str, &str)] =
    &[("/", "text/html; charset=utf-8", include_str!("page/index.html"))];

/// The page loads nothing but these files, asks nobody but this address, and runs no script that stands in a text.
pub(super) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
