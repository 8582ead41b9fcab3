//! The frames of a backtrace, as the standard library prints it.

/// One frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) function: String,
    pub(super) file: String,
    pub(super) line: Option<u64>,
}

/// At most so many frames are sent, the innermost.
const MOST: usize = 100;

/// Reads the frames, the innermost first.
pub(super) fn parse(backtrace: &str) -> Vec<Frame> {
    let mut frames: Vec<Frame> = Vec::new();
    for text in backtrace.lines().map(str::trim) {
        if let Some(place) = text.strip_prefix("at ") {
            if let Some(frame) = frames.last_mut().filter(|frame| frame.file.is_empty()) {
                (frame.file, frame.line) = place_of(place);
            }
        } else if let Some((number, function)) = text.split_once(": ")
            && number.parse::<u32>().is_ok()
        {
            if frames.len() >= MOST {
                break;
            }
            frames.push(Frame { function: function.to_owned(), ..Frame::default() });
        }
    }
    frames
}

/// `./src/main.rs:7:5` is a file, its line and a column.
fn place_of(place: &str) -> (String, Option<u64>) {
    let parts: Vec<_> = place.rsplitn(3, ':').collect();
    match parts.as_slice() {
        [_, line, file] => match line.parse() {
            Ok(line) => ((*file).to_owned(), Some(line)),
            Err(_) => (place.to_owned(), None),
        },
        _ => (place.to_owned(), None),
    }
}

impl Frame {
    /// Is it of the service itself, as far as its path says?
    pub(super) fn is_of_service(&self) -> bool {
        !["/rustc/", "/.cargo/registry/", "/.cargo/git/"].iter().any(|path| self.file.contains(path))
            && !["std::", "core::", "alloc::", "tokio::", "tower_observability::"]
                .iter()
                .any(|module| self.function.trim_start_matches('<').starts_with(module))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn functions_files_and_lines_are_read() {
        let text =
            "   3: shop::seats\n             at ./src/main.rs:7:5\n   4: <tokio::task::Core<T> as X>::poll\n";
        let frames = parse(text);
        let first = Frame { function: "shop::seats".into(), file: "./src/main.rs".into(), line: Some(7) };
        assert_eq!(frames[0], first);
        assert!(frames[0].is_of_service() && !frames[1].is_of_service());
        assert_eq!((frames.len(), &*frames[1].file), (2, ""));
        assert!(parse(&"  1: x\n".repeat(500)).len() <= MOST);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(.|\n){0,200}") {
            parse(&text);
        }
    }
}
