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

#[cfg(test)]
mod tests {
    use super::ASSETS;

    /// Where text could become markup, a script or a style.
    const FORBIDDEN: [&str; 14] = [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "setHTML",
        "document.write",
        "DOMParser",
        "Fragment(",
        "eval(",
        "Function(",
        "srcdoc",
        "javascript:",
        "\"style\"",
        "style:",
        "cssText",
    ];

    #[test]
    fn every_file_of_the_page_is_served() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/view/page");
        let files = std::fs::read_dir(folder).unwrap();
        let mut files: Vec<String> =
            files.map(|file| format!("/{}", file.unwrap().file_name().display())).collect();
        let path = |path: &str| if path == "/" { "/index.html".to_owned() } else { path.to_owned() };
        let mut served: Vec<String> = ASSETS.iter().map(|(it, ..)| path(it)).collect();
        files.sort_unstable();
        served.sort_unstable();
        assert_eq!(served, files);
    }

    #[test]
    fn no_file_of_the_page_has_a_place_where_text_becomes_more_than_text() {
        for (path, content_type, text) in ASSETS {
            if content_type.starts_with("text/javascript") {
                for word in FORBIDDEN {
                    assert!(!text.contains(word), "{path} has {word}");
                }
            }
            assert!(text.lines().count() <= 500, "{path} is longer than a reader takes in");
        }
        let (_, _, page) = ASSETS[0];
        assert!(!page.contains("<style") && !page.contains("style=") && !page.contains(" on"), "{page}");
        assert!(page.split("<script").skip(1).all(|script| script.trim_start().contains("src=")));
    }
}
