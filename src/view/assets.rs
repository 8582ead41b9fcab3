//! The page's files, which are in the program.

macro_rules! files {
    ($($name:literal $content_type:ident)+) => {
        /// Path, content type and text of each.
        pub(super) const ASSETS: &[(&str, &str, &str)] = &[
            ("/", HTML, include_str!("page/index.html")),
            $((concat!("/", $name), $content_type, include_str!(concat!("page/", $name)))),+
        ];
    };
}

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";

files! {
    "style.css" CSS
    "parts.css" CSS
    "api.js" JS
    "badge.js" JS
    "compare.js" JS
    "detail.js" JS
    "dom.js" JS
    "filters.js" JS
    "format.js" JS
    "grid.js" JS
    "keys.js" JS
    "layout.js" JS
    "lines.js" JS
    "main.js" JS
    "map.js" JS
    "menu.js" JS
    "metrics.js" JS
    "plot.js" JS
    "requests.js" JS
    "router.js" JS
    "routes.js" JS
    "state.js" JS
    "theme.js" JS
    "trace.js" JS
    "tree.js" JS
    "waterfall.js" JS
    "why.js" JS
}

/// The page loads nothing but these files, asks nobody but this address, and runs no script that stands in a text.
pub(super) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
