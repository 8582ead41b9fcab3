//! What is asked for on the command line: `--load NAME [--seconds N] [--rate N] [--out FOLDER]`.

use std::path::PathBuf;

/// Which of the three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    Normal,
    High,
    Find,
}

/// A load, bounded in time and in requests.
#[derive(Debug, PartialEq)]
pub(crate) struct Options {
    pub(super) name: Name,
    /// For how long, at most; of `find`, each step.
    pub(super) seconds: u32,
    /// Requests a second; of `find`, those of its first step. `high` has none: it asks as fast as it is answered.
    pub(super) rate: u32,
    /// Where the report goes.
    pub(super) out: PathBuf,
    /// As it was typed.
    pub(super) typed: String,
}

pub(super) const USERS: u32 = 3;
pub(super) const ROUNDS: u32 = 500;

const MOST_SECONDS: u32 = 3_600;

/// Of one step of many.
const MOST_STEP_SECONDS: u32 = 120;

const MOST_RATE: u32 = 20_000;

/// Each request is remembered, so that quantiles are exact; more than this would be too much memory.
const MOST_REQUESTS: u64 = 1_000_000;

impl Name {
    fn of(text: &str) -> Option<Self> {
        [Self::Normal, Self::High, Self::Find].into_iter().find(|name| name.text() == text)
    }

    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::High => "high",
            Self::Find => "find",
        }
    }

    fn seconds(self) -> u32 {
        match self {
            Self::Normal => 60,
            Self::High => 600,
            Self::Find => 10,
        }
    }

    fn rate(self) -> u32 {
        match self {
            Self::Normal => 1,
            Self::High => 0,
            Self::Find => 50,
        }
    }
}

impl Options {
    /// Reads what stands behind `--load`.
    ///
    /// # Errors
    ///
    /// A sentence about what cannot be taken.
    pub(crate) fn parse(arguments: &[&str]) -> Result<Self, String> {
        let (name, mut rest) = arguments.split_first().ok_or("--load wants normal, high or find")?;
        let name = Name::of(name).ok_or(format!("--load wants normal, high or find, not `{name}`"))?;
        let mut options = Self {
            name,
            seconds: name.seconds(),
            rate: name.rate(),
            out: ["target", "load", name.text()].iter().collect(),
            typed: format!("--load {}", arguments.join(" ")),
        };
        while let [option, value, more @ ..] = rest {
            match *option {
                "--seconds" if name == Name::Find => {
                    options.seconds = whole(option, value, MOST_STEP_SECONDS)?
                }
                "--seconds" => options.seconds = whole(option, value, MOST_SECONDS)?,
                "--rate" if name == Name::High => {
                    return Err(
                        "--load high has no --rate: its users ask as fast as they are answered".to_owned()
                    );
                }
                "--rate" => options.rate = whole(option, value, MOST_RATE)?,
                "--out" => options.out = PathBuf::from(value),
                other => return Err(format!("--load knows no `{other}`")),
            }
            rest = more;
        }
        if let [left] = rest {
            return Err(format!("`{left}` wants a value, or is unknown to --load"));
        }
        let requests = u64::from(options.rate) * u64::from(options.seconds);
        if requests > MOST_REQUESTS {
            return Err(format!(
                "{requests} requests are more than {MOST_REQUESTS}: fewer seconds, or a lower rate"
            ));
        }
        Ok(options)
    }

    /// The highest rate whose requests are few enough.
    pub(super) fn most_rate(&self) -> f64 {
        f64::from(MOST_RATE).min(MOST_REQUESTS as f64 / f64::from(self.seconds))
    }
}

fn whole(option: &str, value: &str, most: u32) -> Result<u32, String> {
    let number = value.parse().ok().filter(|number| (1..=most).contains(number));
    number.ok_or(format!("{option} wants a whole number from 1 to {most}, not `{value}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_load_has_its_usual_time_and_rate() {
        for (name, seconds, rate) in [("normal", 60, 1), ("high", 600, 0), ("find", 10, 50)] {
            let options = Options::parse(&[name]).unwrap();
            assert_eq!((options.seconds, options.rate), (seconds, rate), "{name}");
            assert_eq!(options.out, PathBuf::from("target").join("load").join(name));
        }
        let options = Options::parse(&["find", "--rate", "7", "--out", "x", "--seconds", "3"]).unwrap();
        assert_eq!((options.seconds, options.rate, options.out), (3, 7, PathBuf::from("x")));
        assert_eq!(options.typed, "--load find --rate 7 --out x --seconds 3");
    }

    #[test]
    fn what_cannot_be_taken_is_named() {
        for (arguments, told) in [
            (&[][..], "normal, high or find"),
            (&["slow"], "`slow`"),
            (&["normal", "--seconds"], "`--seconds` wants a value"),
            (&["normal", "--seconds", "0"], "from 1 to 3600, not `0`"),
            (&["normal", "--seconds", "-1"], "not `-1`"),
            (&["normal", "--rate", "1e3"], "not `1e3`"),
            (&["find", "--seconds", "121"], "from 1 to 120"),
            (&["normal", "--users", "1"], "no `--users`"),
            (&["high", "--rate", "1"], "no --rate"),
            (&["normal", "--rate", "20000", "--seconds", "3600"], "72000000 requests"),
        ] {
            let error = Options::parse(arguments).unwrap_err();
            assert!(error.contains(told), "{arguments:?}: {error}");
        }
    }
}
