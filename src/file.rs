//! Small files that an option names, read whole. What is there may be anything: a FIFO waits for a writer, a device never
//! ends, a network mount hangs. None of them may keep a service from starting.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

/// In bytes; a bundle of all public certificate authorities takes a quarter.
const MOST: u64 = 1024 * 1024;
const DEADLINE: Duration = Duration::from_secs(5);

/// The content of a regular file of at most 1 MiB.
///
/// # Errors
///
/// It cannot be read, is no regular file, is larger, or does not come within 5 seconds.
pub(crate) fn read(path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
    let path = path.as_ref().to_owned();
    within(DEADLINE, move || read_regular(path))
}

/// What is read from files by somebody else's code.
///
/// # Errors
///
/// As `read` says, or it does not come within 5 seconds.
#[cfg(feature = "tls")]
pub(crate) fn read_by<T: Send + 'static>(
    read: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    within(DEADLINE, read)
}

fn read_regular(path: PathBuf) -> io::Result<Vec<u8>> {
    // Asked before it is opened: opening a FIFO waits already.
    if !std::fs::metadata(&path)?.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "not a regular file"));
    }
    let mut content = Vec::new();
    File::open(path)?.take(MOST + 1).read_to_end(&mut content)?;
    if content.len() as u64 > MOST {
        return Err(io::Error::new(ErrorKind::FileTooLarge, "larger than 1 MiB"));
    }
    Ok(content)
}

/// Reads on a new thread, which is abandoned if it takes longer.
fn within<T: Send + 'static>(
    deadline: Duration,
    read: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let (send, content) = sync_channel(1);
    thread::Builder::new().name("observability".to_owned()).spawn(move || send.send(read()))?;
    content.recv_timeout(deadline).unwrap_or_else(|error| {
        Err(match error {
            RecvTimeoutError::Timeout => {
                io::Error::new(ErrorKind::TimedOut, "it could not be read within 5 seconds")
            }
            RecvTimeoutError::Disconnected => io::Error::other("reading it panicked"),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(path: impl AsRef<Path>) -> Result<usize, ErrorKind> {
        read(path).map(|content| content.len()).map_err(|error| error.kind())
    }

    #[test]
    fn a_file_is_read_up_to_the_limit_and_none_is_read_beyond() {
        let folder = std::env::temp_dir().join(format!("tower-observability-file-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let file = folder.join("file");
        for (length, expected) in [
            (0, Ok(0)),
            (MOST as usize, Ok(MOST as usize)),
            (MOST as usize + 1, Err(ErrorKind::FileTooLarge)),
        ] {
            std::fs::write(&file, vec![b'x'; length]).expect("written");
            assert_eq!(kind(&file), expected);
        }
        assert_eq!(kind(&folder), Err(ErrorKind::InvalidInput));
        std::fs::remove_dir_all(&folder).expect("removed");
        assert_eq!(kind(&file), Err(ErrorKind::NotFound));
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_regular_file_is_not_waited_for() {
        assert_eq!(kind("/dev/zero"), Err(ErrorKind::InvalidInput));
        let fifo = std::env::temp_dir().join(format!("tower-observability-fifo-{}", std::process::id()));
        let made = std::process::Command::new("mkfifo").arg(&fifo).status().expect("mkfifo");
        assert!(made.success());
        assert_eq!(kind(&fifo), Err(ErrorKind::InvalidInput));
        std::fs::remove_file(fifo).expect("removed");
    }

    #[test]
    fn a_read_that_hangs_is_given_up() {
        let (hold, held) = std::sync::mpsc::channel::<()>();
        let hangs = move || {
            let _ = held.recv();
            Ok(Vec::<u8>::new())
        };
        let given_up = within(Duration::from_millis(20), hangs).expect_err("too late");
        assert_eq!(given_up.kind(), ErrorKind::TimedOut);
        drop(hold);
    }
}
