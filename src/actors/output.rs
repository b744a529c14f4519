//! The output of one event stream: the Registry writes frames at one end, a response's body reads bytes at the other.
//!
//! What waits in it is bounded by the rules (section 4, Bounds), which learn from the reader's reports what was taken.
//! Writer and reader may be on different threads.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use bytes::Bytes;
use smallvec::SmallVec;

use crate::protocol::ids::{ClientId, Pid};
use crate::protocol::time::Millis;
use crate::protocol::wire::{Frame, HEARTBEAT, write_retry};

/// How much is given to the transport at once, in bytes, if it is more than one frame. What the transport has is not
/// under the bounds any more, so it gets little at a time.
const CHUNK: usize = 16 * 1024;

/// What lies below a stream: a connection that can be ended from outside.
pub trait Connection: fmt::Debug + Send + Sync {
    /// Ends it now, whatever waits in it.
    fn cut(&self);
}

/// What the reader of a stream reports to the Registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// Whose stream.
    pub client_id: ClientId,
    /// Which stream.
    pub pid: Pid,
    /// What happened.
    pub what: Reported,
}

/// What happened at the reader's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reported {
    /// The transport took so many more frames.
    Taken(usize),
    /// The stream's end was read.
    Finished,
    /// The connection is gone, and what waits with it.
    Broken,
}

/// Takes reports, in order. It is called wherever the reader lives, and must not wait.
pub trait TakesReports: fmt::Debug + Send + Sync {
    /// One more.
    fn report(&self, report: Report);

    /// A crEvent that was accepted then was taken now.
    fn took(&self, accepted: Instant);
}

/// The Registry's end.
#[derive(Debug)]
pub struct StreamWriter {
    shared: Arc<Shared>,
    connection: Option<Arc<dyn Connection>>,
}

/// The transport's end. Dropped before the end of the stream was read, it reports the stream as broken.
#[derive(Debug)]
pub struct StreamReader {
    shared: Arc<Shared>,
    client_id: ClientId,
    pid: Pid,
    reports: Arc<dyn TakesReports>,
    finished: bool,
}

/// A stream was cut: its connection is to be ended without a proper end of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the event stream was cut, since nothing of it was taken")]
pub struct StreamCut;

#[derive(Default)]
struct Shared(Mutex<Output>);

#[derive(Default)]
struct Output {
    waiting: VecDeque<Piece>,
    end: End,
    reader: Option<Waker>,
}

/// Some bytes that are taken together.
struct Piece {
    bytes: Vec<u8>,
    /// Whether the rules wait for it to be taken.
    is_frame: bool,
    /// When it was accepted, if it is a crEvent.
    accepted: Option<Instant>,
}

/// Some pieces that are given to the transport together.
struct Taken {
    bytes: Bytes,
    frames: usize,
    /// When the crEvents among them were accepted.
    accepted: SmallVec<[Instant; 4]>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum End {
    #[default]
    Open,
    /// Behind what waits.
    Ended,
    /// Now, with all that waits.
    Cut,
}

/// A stream's two ends. It begins with the line `retry: N`.
pub fn stream(
    client_id: ClientId,
    pid: Pid,
    retry: Millis,
    connection: Option<Arc<dyn Connection>>,
    reports: Arc<dyn TakesReports>,
) -> (StreamWriter, StreamReader) {
    let mut bytes = Vec::new();
    write_retry(retry, &mut bytes);
    let shared = Arc::<Shared>::default();
    shared.lock().waiting.push_back(Piece { bytes, is_frame: false, accepted: None });
    let reader = StreamReader { shared: Arc::clone(&shared), client_id, pid, reports, finished: false };
    (StreamWriter { shared, connection }, reader)
}

impl StreamWriter {
    /// Writes a frame; a crEvent was accepted then. How many bytes it has.
    pub fn write(&self, frame: &Frame, accepted: Option<Instant>) -> usize {
        let mut bytes = Vec::with_capacity(frame.encoded_len());
        frame.write_to(&mut bytes);
        let len = bytes.len();
        self.shared.lock().push(Piece { bytes, is_frame: true, accepted });
        len
    }

    /// Writes a comment, unless something waits already. Whether it did.
    pub fn write_heartbeat(&self) -> bool {
        let mut output = self.shared.lock();
        if !output.waiting.is_empty() || output.end != End::Open {
            return false;
        }
        output.push(Piece { bytes: HEARTBEAT.to_vec(), is_frame: false, accepted: None });
        true
    }

    /// Ends the stream behind what waits.
    pub fn end(&self) {
        let mut output = self.shared.lock();
        if output.end == End::Open {
            output.end = End::Ended;
        }
        output.wake();
    }

    /// Ends the stream and its connection, whatever waits.
    pub fn cut(&self) {
        let mut output = self.shared.lock();
        output.end = End::Cut;
        output.waiting = VecDeque::new();
        output.wake();
        drop(output);
        if let Some(connection) = &self.connection {
            connection.cut();
        }
    }
}

impl StreamReader {
    /// The next bytes; `None` at the end.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, StreamCut>>> {
        let mut output = self.shared.lock();
        match (output.take(), output.end) {
            (_, End::Cut) => {
                drop(output);
                self.finished = true;
                Poll::Ready(Some(Err(StreamCut)))
            }
            (Some(Taken { bytes, frames, accepted }), _) => {
                drop(output);
                accepted.into_iter().for_each(|accepted| self.reports.took(accepted));
                if frames > 0 {
                    self.report(Reported::Taken(frames));
                }
                Poll::Ready(Some(Ok(bytes)))
            }
            (None, End::Ended) => {
                drop(output);
                if !self.finished {
                    self.finished = true;
                    self.report(Reported::Finished);
                }
                Poll::Ready(None)
            }
            (None, End::Open) => {
                output.wait(context);
                Poll::Pending
            }
        }
    }

    fn report(&self, what: Reported) {
        self.reports.report(Report { client_id: self.client_id, pid: self.pid, what });
    }
}

impl Drop for StreamReader {
    fn drop(&mut self) {
        if !self.finished {
            self.report(Reported::Broken);
        }
    }
}

impl Shared {
    /// A thread that panicked while it held the lock left nothing half done: each change is one push or one take.
    fn lock(&self) -> MutexGuard<'_, Output> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} pieces wait", self.lock().waiting.len())
    }
}

impl Output {
    fn push(&mut self, piece: Piece) {
        if self.end == End::Open {
            self.waiting.push_back(piece);
            self.wake();
        }
    }

    /// The next chunk.
    fn take(&mut self) -> Option<Taken> {
        let first = self.waiting.pop_front()?;
        let (mut bytes, mut frames) = (first.bytes, usize::from(first.is_frame));
        let mut accepted: SmallVec<[Instant; 4]> = first.accepted.into_iter().collect();
        let fits = |next: &Piece, bytes: &Vec<u8>| bytes.len().saturating_add(next.bytes.len()) <= CHUNK;
        while self.waiting.front().is_some_and(|next| fits(next, &bytes)) {
            let Some(next) = self.waiting.pop_front() else { break };
            bytes.extend_from_slice(&next.bytes);
            frames += usize::from(next.is_frame);
            accepted.extend(next.accepted);
        }
        if self.waiting.is_empty() {
            // A stream that is quiet after a burst holds no memory for the next one.
            self.waiting.shrink_to(4);
        }
        Some(Taken { bytes: bytes.into(), frames, accepted })
    }

    fn wait(&mut self, context: &Context<'_>) {
        match &mut self.reader {
            Some(reader) => reader.clone_from(context.waker()),
            None => self.reader = Some(context.waker().clone()),
        }
    }

    fn wake(&mut self) {
        if let Some(reader) = &self.reader {
            reader.wake_by_ref();
        }
    }
}

#[cfg(test)]
mod tests;
