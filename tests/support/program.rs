//! The program. `cargo test` builds examples and no programs of other packages, so it is built here, by the command that
//! brings it for the real systems as well; where it is fresh that takes a second.

use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use super::repository::top;

static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| {
    let mut cargo = Command::new(env!("CARGO"));
    // What cargo says of this package to its tests, build scripts would take for a reason to run again.
    let names = std::env::vars().map(|(name, _)| name);
    let of_package = |name: &String| {
        ["CARGO_MANIFEST_", "CARGO_PKG_", "CARGO_BIN_"].iter().any(|prefix| name.starts_with(prefix))
    };
    for name in names.filter(of_package) {
        cargo.env_remove(name);
    }
    let built = cargo
        .args(["build", "--quiet", "--locked", "--workspace", "--all-features"])
        .args(["--example", "workshop", "--example", "journey", "--bin", "observability"])
        .current_dir(top())
        .status();
    assert!(built.is_ok_and(|built| built.success()));
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    path.push(format!("observability{}", std::env::consts::EXE_SUFFIX));
    path
});

/// Where it lies, built.
pub fn program() -> &'static PathBuf {
    &PROGRAM
}
