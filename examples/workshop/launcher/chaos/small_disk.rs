//! A file system of 4 MiB that can be full without harm to anybody: in memory, in a name space of its own, which needs no right
//! that a user of Linux does not have, unless the machine forbids it.

use std::path::PathBuf;
use std::process::Stdio;

use tokio::process::Command;

use crate::plumbing::BoxError;

/// The variable that names the folder.
const FOLDER: &str = "WORKSHOP_SMALL_DISK";
const MOUNT: &str = "mount -t tmpfs -o size=4m,mode=700 workshop \"$1\" && shift && exec \"$@\"";

pub(super) fn is_there() -> bool {
    folder().is_ok()
}

/// The folder that it is mounted at.
pub(super) fn folder() -> Result<PathBuf, BoxError> {
    let folder = std::env::var_os(FOLDER).filter(|folder| !folder.is_empty());
    Ok(folder.ok_or("there is no small file system")?.into())
}

/// May it be had here?
pub(super) async fn is_possible() -> bool {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "true"]).stderr(Stdio::null());
    command.status().await.is_ok_and(|status| status.success())
}

/// This program once more, with one. It is gone with the last process that sees it.
pub(super) async fn with_one(name: &str, is_quick: bool) -> Result<(), BoxError> {
    let folder = std::env::temp_dir().join(format!("workshop-disk-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", MOUNT, "sh"]).arg(&folder);
    command.arg(std::env::current_exe()?).args(["--chaos", name]).args(is_quick.then_some("--quick"));
    let status = command.env(FOLDER, &folder).status().await;
    std::fs::remove_dir(&folder)?;
    match status? {
        status if status.success() => Ok(()),
        _ => Err("not everything was seen".into()),
    }
}
