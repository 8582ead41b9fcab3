//! The cases of error reports. The program has a job that fails.

use super::*;

const DSN: (&str, &str) = ("SENTRY_DSN", "http://k3y@{address}/1");
const TOKEN: (&str, &str) = ("ROLLBAR_ACCESS_TOKEN", "t0k3n");
const ITEMS: (&str, &str) = ("ROLLBAR_ENDPOINT", "{collector}/api/1/item/");

fn failing() -> Scene {
    Scene::default().runs(Program::Fails)
}

fn reporting() -> Scene {
    let (name, value) = DSN;
    failing().with(name, value)
}

fn has(seen: &Seen, text: &str) -> bool {
    let posted = seen.posted("/envelope/");
    posted.iter().any(|posted| String::from_utf8_lossy(&posted.raw).contains(text))
}

pub(super) fn cases() -> Vec<Case> {
    let to_rollbar = || failing().with(ITEMS.0, ITEMS.1);
    vec![
        of("SENTRY_DSN", "")
            .good(DSN.1, failing(), |seen| has(seen, "\"event_id\""))
            .bad("sentry.example", "is not a DSN such as https://key@sentry.example/1; it is ignored"),
        of("SENTRY_ENVIRONMENT", "").good("stage", reporting(), |seen| has(seen, "\"environment\":\"stage\"")),
        of("SENTRY_RELEASE", "").good("bookings@7", reporting(), |seen| has(seen, "\"release\":\"bookings@7\"")),
        of("SENTRY_SAMPLE_RATE", "1.0")
            .good("0", reporting(), |seen| !has(seen, "\"event_id\""))
            .bad("2", "is not a number from 0 to 1; 1.0 stays"),
        of("ROLLBAR_ACCESS_TOKEN", "").good(TOKEN.1, to_rollbar(), |seen| seen.posted("/item/").len() == 1),
        of("ROLLBAR_ENDPOINT", "https://api.rollbar.com/api/1/item/")
            .good(ITEMS.1, failing().with(TOKEN.0, TOKEN.1), |seen| seen.posted("/item/").len() == 1)
            .bad(
                "rollbar.example",
                "is not a URL such as https://api.rollbar.com/api/1/item/; https://api.rollbar.com/api/1/item/ stays",
            ),
    ]
}
