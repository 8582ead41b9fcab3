//! The program. `cargo test` builds examples and no programs of other packages, so it is built here, by the command that
//! brings it for the real systems as well; where it is fresh that takes a second.

use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use crate::support::repository::top;

static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| {
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "--workspace", "--all-features"])
        .args(["--example", "workshop", "--example", "journey", "--bin", "observability"])
        .current_dir(top())
        .status();
    assert!(built.unwrap().success());
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    path.push(format!("observability{}", std::env::consts::EXE_SUFFIX));
    path
});

pub(super) fn program() -> &'static PathBuf {
    &PROGRAM
}
