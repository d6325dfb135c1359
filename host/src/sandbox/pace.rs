//! The body of an answer as it goes out: how fast, in what frames, and how it ends.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

use super::plan::{Ending, Manner};
use super::shared::Turn;
use super::wire::Events;

/// How many bytes of a whole answer are a chunk, where chunks are counted or slowed.
const PIECE_BYTES: usize = 64;
const DONE: &[u8] = b"data: [DONE]\n\n";
const BROKEN_EVENT: &[u8] = b"data: {\"id\":\"chatcmpl-\xff\xfe,oops\n\n";

/// Where the chunks come from.
pub(super) enum Chunks {
    Events(Box<Events>),
    /// Events that are all written already.
    Written {
        events: VecDeque<Bytes>,
        last: Bytes,
    },
    /// A whole answer, save for its last byte.
    Pieces {
        rest: Bytes,
        last: Bytes,
    },
}

impl Chunks {
    pub(super) fn whole(mut body: Bytes) -> Self {
        let last = body.split_off(body.len().saturating_sub(1));
        Self::Pieces { rest: body, last }
    }

    /// The next chunk but for the one that makes the answer complete.
    fn next(&mut self) -> Option<Bytes> {
        match self {
            Self::Events(events) => events.next(),
            Self::Written { events, .. } => events.pop_front(),
            Self::Pieces { rest, .. } if rest.is_empty() => None,
            Self::Pieces { rest, .. } => Some(rest.split_to(rest.len().min(PIECE_BYTES))),
        }
    }

    fn last(&mut self) -> Bytes {
        match self {
            Self::Events(_) => Bytes::from_static(DONE),
            Self::Pieces { last, .. } | Self::Written { last, .. } => std::mem::take(last),
        }
    }

    fn len(&self) -> Option<u64> {
        match self {
            Self::Events(_) | Self::Written { .. } => None,
            Self::Pieces { rest, last } => u64::try_from(rest.len().saturating_add(last.len())).ok(),
        }
    }
}

/// A response body that keeps a pace and may come to a bad end.
pub(super) struct Outflow {
    chunks: Chunks,
    sent: usize,
    /// What remains of the last chunk, when frames are smaller.
    unsent: Bytes,
    frame_bytes_max: usize,
    ending: Ending,
    pace: Duration,
    pause: Option<Pin<Box<Sleep>>>,
    paused: bool,
    yielded: bool,
    /// Gone when all was said.
    turn: Option<Turn>,
}

impl Outflow {
    pub(super) fn new(chunks: Chunks, manner: &Manner, turn: Turn) -> Self {
        Self {
            chunks,
            sent: 0,
            unsent: Bytes::new(),
            frame_bytes_max: manner.frame_bytes.unwrap_or(usize::MAX).max(1),
            ending: manner.ending,
            pace: manner.pace,
            pause: None,
            paused: false,
            yielded: false,
            turn: Some(turn),
        }
    }

    fn finish(&mut self) {
        if let Some(turn) = self.turn.take() {
            turn.finish();
        }
    }

    /// Whether the pause before the next chunk is over.
    fn poll_pause(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.pace.is_zero() || self.sent == 0 || self.paused {
            return Poll::Ready(());
        }
        let pause = self.pause.get_or_insert_with(|| Box::pin(tokio::time::sleep(self.pace)));
        ready!(pause.as_mut().poll(cx));
        self.pause = None;
        self.paused = true;
        Poll::Ready(())
    }

    /// The next chunk, or the end in the way it was asked for.
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if self.turn.is_none() {
            return Poll::Ready(None);
        }
        let chunk = match self.ending {
            Ending::Die(after) | Ending::Stall(after) | Ending::Garbage(after) if after <= self.sent => None,
            _ => {
                ready!(self.poll_pause(cx));
                self.chunks.next()
            }
        };
        if chunk.is_some() {
            self.sent = self.sent.saturating_add(1);
            self.paused = false;
            return Poll::Ready(chunk.map(Ok));
        }
        match self.ending {
            Ending::Whole => {
                self.finish();
                Poll::Ready(Some(Ok(self.chunks.last())))
            }
            Ending::Garbage(_) => {
                self.finish();
                Poll::Ready(Some(Ok(Bytes::from_static(BROKEN_EVENT))))
            }
            // Once the caller is gone hyper drops the body, and with it the turn.
            Ending::Stall(_) => Poll::Pending,
            // hyper writes what it has when the body has nothing more for now, and drops it when the body fails.
            Ending::Die(_) if !self.yielded => {
                self.yielded = true;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Ending::Die(_) => {
                self.finish();
                Poll::Ready(Some(Err(io::ErrorKind::ConnectionAborted.into())))
            }
        }
    }
}

impl Body for Outflow {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        while this.unsent.is_empty() {
            match ready!(this.poll_chunk(cx)) {
                Some(Ok(chunk)) => this.unsent = chunk,
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
        let frame = this.unsent.split_to(this.unsent.len().min(this.frame_bytes_max));
        Poll::Ready(Some(Ok(Frame::data(frame))))
    }

    fn is_end_stream(&self) -> bool {
        self.turn.is_none() && self.unsent.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        match (self.chunks.len(), self.ending) {
            (None, _) | (_, Ending::Garbage(_)) => SizeHint::default(),
            (Some(len), _) => {
                SizeHint::with_exact(len.saturating_add(u64::try_from(self.unsent.len()).unwrap_or(u64::MAX)))
            }
        }
    }
}
