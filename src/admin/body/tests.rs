//! The proofs of the page's body.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};

use ::metrics::{histogram, with_local_recorder};

use super::*;
use crate::metrics::{Exposition, Metrics, Recorder};

/// What a piece may hold: its room, and a series that did not fit any more.
const MOST: usize = 80 * 1024;

fn recorder(series: usize) -> Recorder {
    let recorder = Recorder::new(&Metrics::new());
    with_local_recorder(&recorder, || {
        for n in 0..series {
            histogram!(format!("wait_{}_seconds", n / 2_000), "n" => n.to_string()).record(0.1);
        }
    });
    recorder
}

#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn ten_thousand_histograms_are_never_held_at_once_and_others_come_between_the_pieces() {
    let recorder = recorder(10_000);
    let mut body = pin!(PageBody::new(recorder.pieces(Exposition::OpenMetrics)));
    assert_eq!(body.size_hint().exact(), None);
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(Arc::clone(&woken));
    let (mut page, mut pieces, mut pauses) = (Vec::new(), 0, 0);
    loop {
        match body.as_mut().poll_frame(&mut Context::from_waker(&waker)) {
            Poll::Pending => {
                pauses += 1;
                assert_eq!(woken.0.load(Ordering::Relaxed), pauses, "it goes on");
            }
            Poll::Ready(None) => break,
            Poll::Ready(Some(Ok(frame))) => {
                assert_eq!(pauses, pieces, "each piece but the first after a pause");
                pieces += 1;
                let piece = Vec::from(frame.into_data().expect("data"));
                assert!(piece.len() <= MOST && piece.capacity() <= MOST, "{}", piece.capacity());
                page.extend(piece);
            }
        }
    }
    assert!(pieces > 100, "{pieces}");
    assert!(body.is_end_stream());
    assert_eq!(String::from_utf8(page).expect("text"), recorder.render(Exposition::OpenMetrics));
}

#[test]
fn a_small_page_is_one_piece_and_says_its_length() {
    let recorder = recorder(3);
    for exposition in [Exposition::Text, Exposition::OpenMetrics] {
        let mut body = pin!(PageBody::new(recorder.pieces(exposition)));
        let page = recorder.render(exposition);
        assert_eq!(body.size_hint().exact(), Some(page.len() as u64));
        let frame = body.as_mut().poll_frame(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(frame, Poll::Ready(Some(Ok(frame))) if *frame.data_ref().expect("data") == page));
        assert!(body.is_end_stream());
    }
}
