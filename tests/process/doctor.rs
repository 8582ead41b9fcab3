//! Promise: `observability doctor` finds each wrong setting of "when nothing shows up" that can be seen from outside, sends
//! what it marks to where it was told to, and shows no secret.

mod rows;
mod running;
mod stores;
mod ways;

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::program::program;

/// What it said of one environment.
struct Told {
    code: i32,
    said: Value,
}

/// The program in an environment that has nothing but these variables.
fn command(variables: &[(&str, &str)], arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.env_clear().stdin(Stdio::null()).arg("doctor").args(arguments);
    // A free port; and whoever chooses the host gets no advice about containers.
    command.env("OTEL_EXPORTER_PROMETHEUS_PORT", "0").env("OTEL_EXPORTER_PROMETHEUS_HOST", "127.0.0.1");
    command.envs(variables.iter().copied());
    command
}

/// What it says of these variables.
fn doctor(variables: &[(&str, &str)]) -> Told {
    asked(variables, &[])
}

fn asked(variables: &[(&str, &str)], arguments: &[&str]) -> Told {
    let output = command(variables, &[&["--format", "json"], arguments].concat()).output().unwrap();
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let said = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text} {errors}"));
    Told { code: output.status.code().unwrap(), said }
}

impl Told {
    /// The rows of a step; of an empty one what was chosen.
    fn rows(&self, about: &str, step: &str) -> Vec<&Value> {
        let all = self.said["findings"].as_array().unwrap().iter();
        all.filter(|row| row["about"] == about && row["step"] == step).collect()
    }

    /// The one row with all these texts in it, which has this verdict.
    #[track_caller]
    fn has(&self, verdict: &str, (about, step): (&str, &str), texts: &[&str]) -> &Value {
        let rows = self.rows(about, step);
        let found = rows.iter().find(|row| {
            let text = ["answer", "from", "detail"].map(|part| row[part].as_str().unwrap()).join("\n");
            row["verdict"] == verdict && texts.iter().all(|part| text.contains(part))
        });
        found.unwrap_or_else(|| panic!("{about} {step} is not {verdict} {texts:?}: {:#}", self.said))
    }

    #[track_caller]
    fn is_ok(&self, place: (&str, &str), texts: &[&str]) {
        self.has("ok", place, texts);
    }

    /// Warned of, which ends well.
    #[track_caller]
    fn warns(&self, place: (&str, &str), texts: &[&str]) {
        self.has("warning", place, texts);
    }

    /// Failed, which the exit code says.
    #[track_caller]
    fn fails(&self, place: (&str, &str), texts: &[&str]) {
        self.has("failed", place, texts);
        assert_eq!((self.code, &self.said["verdict"]), (1, &Value::from("failed")), "{:#}", self.said);
    }
}
