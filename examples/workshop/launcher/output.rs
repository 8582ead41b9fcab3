//! What becomes of the lines that the eight write.

use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWriteExt, BufReader, Stdout};
use tokio::sync::Mutex;
use tokio::sync::watch::Receiver;

use super::evidence::{Evidence, Line};
use crate::screen;

/// Who gets the lines?
#[derive(Clone)]
pub(super) enum Output {
    /// Whoever asks for them later.
    Kept(Arc<Evidence>),
    /// A person, now.
    Shown(fn(&Line)),
    /// Our own standard output, byte for byte.
    PassedOn(Arc<Mutex<Stdout>>),
    /// Nobody; they are taken all the same, since a pipe that is full holds up who writes.
    Unread,
}

impl Output {
    pub(super) fn passed_on() -> Self {
        Self::PassedOn(Arc::new(Mutex::new(tokio::io::stdout())))
    }

    /// Takes line after line of the service, until it has no more to say; not while it is the one that is not read.
    pub(super) async fn take(
        self,
        service: &'static str,
        mut from: impl AsyncRead + Unpin,
        mut unread: Receiver<&'static str>,
    ) {
        if matches!(self, Self::Unread) {
            let _ = tokio::io::copy(&mut from, &mut tokio::io::sink()).await;
            return;
        }
        let mut from = BufReader::new(from);
        let mut line = Vec::new();
        while let Ok(1..) = from.read_until(b'\n', &mut line).await {
            let _ = unread.wait_for(|unread| *unread != service).await;
            self.take_line(&mut line).await;
            line.clear();
        }
    }

    async fn take_line(&self, line: &mut Vec<u8>) {
        match self {
            Self::Kept(evidence) => {
                if let Some(line) = read(line) {
                    evidence.add_line(line);
                }
            }
            Self::Shown(show) => {
                if let Some(line) = read(line) {
                    show(&line);
                }
            }
            Self::PassedOn(output) => {
                if line.last() != Some(&b'\n') {
                    line.push(b'\n');
                }
                // One lock for a whole line: two services never share one.
                let mut output = output.lock().await;
                if output.write_all(line).await.is_err() || output.flush().await.is_err() {
                    screen::reader_left();
                }
            }
            Self::Unread => {}
        }
    }
}

fn read(line: &[u8]) -> Option<Line> {
    serde_json::from_slice(line).ok().map(|value| Line::of(&value))
}
