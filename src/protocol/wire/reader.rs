//! Finds the frames in a server-sent event stream that arrives in pieces (section 3).
//!
//! The rules are those of server-sent events as browsers follow them, so that a stream means the same to all clients.

use std::fmt;
use std::mem::take;

use thiserror::Error;

use super::frame::{AbortReason, Frame};
use super::{percent, shortened};
use crate::protocol::ids::Pid;
use crate::protocol::time::Millis;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What a [`FrameReader`] finds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum StreamItem {
    /// A frame.
    Frame(Frame),
    /// How long to wait before the next attempt when this stream breaks.
    Retry(Millis),
    /// The id of the frame that follows, for Last-Event-ID. An empty one forgets the last one.
    Id(Box<str>),
    /// Something that is no frame of this protocol; the stream goes on behind it.
    Unreadable(Unreadable),
}

/// A block of a stream that is no frame of this protocol. What was seen is shortened, and never params.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Error)]
pub enum Unreadable {
    /// No frame has this name; a block without a name is called `message`.
    #[error("no frame is called {seen:?}")]
    Name {
        /// The beginning of the name.
        seen: Box<str>,
    },
    /// The frame must name its stream, and does not.
    #[error("the frame {name} needs a pid, a positive integer below 9007199254740992, not {seen:?}")]
    Pid {
        /// The frame's name.
        name: &'static str,
        /// The beginning of what stands where the pid should.
        seen: Box<str>,
    },
}

/// A stream that nobody should go on reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum ReadError {
    /// A line does not end.
    #[error("a line of the event stream is longer than {limit} bytes")]
    LineTooLong {
        /// What is accepted, in bytes.
        limit: usize,
    },
    /// A block of lines does not end.
    #[error("a frame of the event stream is longer than {limit} bytes")]
    BlockTooLong {
        /// What is accepted, in bytes.
        limit: usize,
    },
}

/// Reads one event stream, fed with its bytes as they come, cut anywhere.
///
/// It holds no more than the unfinished frame, and nothing between frames.
pub struct FrameReader {
    limit: usize,
    failed: Option<ReadError>,
    /// Nothing was read yet: a byte order mark may come.
    at_start: bool,
    /// The last byte was a CR: an LF right behind it belongs to the same line end.
    after_cr: bool,
    /// The unfinished line, where a piece ended within it.
    line: Vec<u8>,
    block: Block,
}

/// The fields of the unfinished block.
#[derive(Default)]
struct Block {
    name: Box<[u8]>,
    data: Option<Vec<u8>>,
    /// As it came: as text it may be longer than what the limit is for.
    id: Option<Box<[u8]>>,
}

impl FrameReader {
    /// The limit unless another one is given, in bytes.
    ///
    /// A server grows event data of 8,192 bytes to 73,728 at worst: bytes that are not UTF-8 become U+FFFD, three
    /// bytes each, and each of these three when encoded.
    pub const DEFAULT_LIMIT: usize = 128 * 1024;

    /// A reader at the start of a stream that accepts lines and frames of up to `limit` bytes.
    pub fn new(limit: usize) -> FrameReader {
        FrameReader {
            limit,
            failed: None,
            at_start: true,
            after_cr: false,
            line: Vec::new(),
            block: Block::default(),
        }
    }

    /// Reads the next piece of the stream, and appends what is complete to `out`.
    ///
    /// A frame that the stream's end leaves unfinished was never sent.
    ///
    /// # Errors
    /// [`ReadError`] where a line or frame is longer than the limit, and from then on for every piece. What stands in
    /// front of it is appended to `out` all the same.
    pub fn feed(&mut self, piece: &[u8], out: &mut Vec<StreamItem>) -> Result<(), ReadError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let result = self.read(piece, out);
        if let Err(error) = result {
            *self = FrameReader { failed: Some(error), ..FrameReader::new(self.limit) };
        }
        result
    }

    fn read(&mut self, piece: &[u8], out: &mut Vec<StreamItem>) -> Result<(), ReadError> {
        let mut rest = piece;
        if !rest.is_empty() && take(&mut self.after_cr) {
            rest = rest.strip_prefix(b"\n").unwrap_or(rest);
        }
        while let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            let (line, tail) = rest.split_at(end);
            self.end_line(line, out)?;
            rest = self.skip_line_end(tail);
        }
        self.keep(rest)
    }

    fn skip_line_end<'a>(&mut self, tail: &'a [u8]) -> &'a [u8] {
        self.after_cr = tail == b"\r";
        let tail = tail.strip_prefix(b"\r").unwrap_or(tail);
        tail.strip_prefix(b"\n").unwrap_or(tail)
    }

    /// Keeps what a piece has of an unfinished line.
    fn keep(&mut self, part: &[u8]) -> Result<(), ReadError> {
        if self.line.len() + part.len() > self.limit {
            return Err(ReadError::LineTooLong { limit: self.limit });
        }
        self.line.extend_from_slice(part);
        Ok(())
    }

    fn end_line(&mut self, last_part: &[u8], out: &mut Vec<StreamItem>) -> Result<(), ReadError> {
        if !self.line.is_empty() {
            self.keep(last_part)?;
            let line = take(&mut self.line);
            return self.read_line(&line, out);
        }
        if last_part.len() > self.limit {
            return Err(ReadError::LineTooLong { limit: self.limit });
        }
        self.read_line(last_part, out)
    }

    fn read_line(&mut self, line: &[u8], out: &mut Vec<StreamItem>) -> Result<(), ReadError> {
        let mut line = line;
        if take(&mut self.at_start) {
            line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
        }
        if line.is_empty() {
            take(&mut self.block).dispatch(out);
            return Ok(());
        }
        match split_field(line) {
            (b"event", value) => self.block.name = value.into(),
            (b"data", value) => self.block.add_data(value),
            (b"id", value) if !value.contains(&0) => self.block.id = Some(value.into()),
            (b"retry", value) => out.extend(parse_retry(value).map(StreamItem::Retry)),
            _ => {} // a comment (it has no name), or a field that means nothing
        }
        if self.block.len() > self.limit {
            return Err(ReadError::BlockTooLong { limit: self.limit });
        }
        Ok(())
    }
}

impl Default for FrameReader {
    fn default() -> FrameReader {
        FrameReader::new(FrameReader::DEFAULT_LIMIT)
    }
}

impl fmt::Debug for FrameReader {
    // What is being read may be params.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameReader")
            .field("limit", &self.limit)
            .field("failed", &self.failed)
            .field("held", &(self.line.len() + self.block.len()))
            .finish()
    }
}

impl Block {
    fn len(&self) -> usize {
        let data_len = self.data.as_ref().map_or(0, Vec::len);
        let id_len = self.id.as_ref().map_or(0, |id| id.len());
        self.name.len() + data_len + id_len
    }

    /// Further data of one block stands on lines of its own.
    fn add_data(&mut self, value: &[u8]) {
        match &mut self.data {
            Some(data) => {
                data.push(b'\n');
                data.extend_from_slice(value);
            }
            None => self.data = Some(value.to_vec()),
        }
    }

    /// Gives out the whole block at its empty line. Without a data line it is no event, whatever its name.
    fn dispatch(self, out: &mut Vec<StreamItem>) {
        out.extend(self.id.map(|id| StreamItem::Id(String::from_utf8_lossy(&id).into())));
        if let Some(data) = self.data {
            let name = if self.name.is_empty() { b"message" } else { &*self.name };
            out.push(match read_frame(name, &percent::decode_text_lossy(&data)) {
                Ok(frame) => StreamItem::Frame(frame),
                Err(unreadable) => StreamItem::Unreadable(unreadable),
            });
        }
    }
}

/// A line's field name, and its value without the one space that may stand before it.
fn split_field(line: &[u8]) -> (&[u8], &[u8]) {
    let colon = line.iter().position(|&byte| byte == b':').unwrap_or(line.len());
    let (name, rest) = line.split_at(colon);
    let value = rest.strip_prefix(b":").unwrap_or(rest);
    (name, value.strip_prefix(b" ").unwrap_or(value))
}

fn parse_retry(value: &[u8]) -> Option<Millis> {
    let digits = std::str::from_utf8(value).ok()?;
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { digits.parse().ok().map(Millis) } else { None }
}

fn read_frame(name: &[u8], data: &str) -> Result<Frame, Unreadable> {
    let name = String::from_utf8_lossy(name);
    match &*name {
        Frame::CR_EVENT => Ok(Frame::CrEvent(data.into())),
        Frame::HELLO => read_pid(Frame::HELLO, data).map(|pid| Frame::Hello { pid }),
        Frame::ALIVE => read_pid(Frame::ALIVE, data).map(|pid| Frame::Alive { pid }),
        Frame::CLOSED => read_pid(Frame::CLOSED, data).map(|pid| Frame::Closed { pid }),
        Frame::SHUTDOWN => read_pid(Frame::SHUTDOWN, data).map(|pid| Frame::Shutdown { pid }),
        Frame::ABORTED => read_aborted(data),
        _ => Err(Unreadable::Name { seen: shortened(&name) }),
    }
}

fn read_aborted(data: &str) -> Result<Frame, Unreadable> {
    let mut fields = data.split(',');
    let mut next = || fields.next().unwrap_or_default();
    let pid = read_pid(Frame::ABORTED, next())?;
    let reason = AbortReason::from_text(next());
    Ok(Frame::Aborted { pid, reason, releaser: Pid::parse(next()).ok() })
}

fn read_pid(name: &'static str, text: &str) -> Result<Pid, Unreadable> {
    Pid::parse(text).map_err(|_| Unreadable::Pid { name, seen: shortened(text) })
}

#[cfg(test)]
mod tests;
