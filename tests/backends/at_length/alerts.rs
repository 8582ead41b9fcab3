//! The rules against their own tests: hours of series for every alert, which promtool reckons in minutes.

use std::path::Path;

use crate::on_call::files;
use crate::support::prometheus::run;
use crate::support::systems::PROMTOOL;

#[test]
fn each_alert_fires_keeps_still_and_resolves_as_its_tests_say() {
    let (promtool, tests) = (PROMTOOL.path(), files("prometheus/tests"));
    // It waits for nothing: what other tests leave of the machine is enough.
    let mut arguments = vec!["-n", "5", promtool.to_str().unwrap(), "test", "rules"];
    arguments.extend(tests.iter().map(String::as_str));
    run(Path::new("nice"), &arguments, "");
}
