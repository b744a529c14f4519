//! A TCP connection that can be cut from outside, and that is counted while it lives.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use actix_http::Protocol;
use actix_rt::net::{ActixStream, Ready, TcpStream};
use atomic_waker::AtomicWaker;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::actors::output;

/// How an HTTP/2 connection begins (RFC 9113, section 3.4).
const HTTP2_PREFACE: &[u8; 12] = b"PRI * HTTP/2";

/// Ends a connection from wherever it is known.
///
/// Dropping a response's body would not do: while the peer takes nothing, the HTTP layer waits for the socket and does not
/// ask the body any more.
#[derive(Debug)]
pub struct Cutter {
    cut: AtomicBool,
    /// The task that reads and writes the connection.
    task: AtomicWaker,
    carries_stream: AtomicBool,
    asked: AtomicBool,
    /// How many requests have begun on it; counted on HTTP/2, where there are many at once.
    begun: AtomicUsize,
    /// How many of them are not answered to the end.
    in_use: AtomicUsize,
    open: OpenConnections,
}

/// How many requests one connection may have under way at once: a browser has some dozens, with a stream for each tab.
const MOST_REQUESTS: usize = 256;

/// A request that is under way on a connection, until its answer is read to the end.
#[derive(Debug)]
pub(super) struct InUse(Arc<Cutter>);

impl Drop for InUse {
    fn drop(&mut self) {
        self.0.in_use.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Cutter {
    /// One more request; `None` where there are too many already.
    pub(super) fn begin(self: &Arc<Cutter>) -> Option<InUse> {
        self.begun.fetch_add(1, Ordering::Relaxed);
        let before = self.in_use.fetch_add(1, Ordering::Relaxed);
        let in_use = InUse(Arc::clone(self));
        (before < MOST_REQUESTS).then_some(in_use)
    }

    /// How many requests have begun so far.
    pub(super) fn begun(&self) -> usize {
        self.begun.load(Ordering::Relaxed)
    }

    /// Whether nothing is under way.
    pub(super) fn is_idle(&self) -> bool {
        self.in_use.load(Ordering::Relaxed) == 0
    }

    /// A request has come on this connection.
    pub(super) fn asked(&self) {
        if !self.asked.swap(true, Ordering::Relaxed) {
            self.open.0.not_asked.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// This connection is an event stream's alone, and closes with it.
    pub(super) fn carries_stream(&self) {
        if !self.carries_stream.swap(true, Ordering::Relaxed) {
            self.open.0.with_streams.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl output::Connection for Cutter {
    fn cut(&self) {
        self.cut.store(true, Ordering::Release);
        self.task.wake();
    }
}

/// How many connections are open.
#[derive(Clone, Debug, Default)]
pub struct OpenConnections(Arc<Open>);

#[derive(Debug, Default)]
struct Open {
    all: AtomicUsize,
    with_streams: AtomicUsize,
    not_asked: AtomicUsize,
}

impl OpenConnections {
    /// How many.
    pub fn count(&self) -> usize {
        self.0.all.load(Ordering::Relaxed)
    }

    /// On how many of them no request has come yet.
    pub fn not_asked(&self) -> usize {
        self.0.not_asked.load(Ordering::Relaxed)
    }

    /// How many of them are an event stream's alone.
    pub fn with_streams(&self) -> usize {
        self.0.with_streams.load(Ordering::Relaxed)
    }
}

/// The connection itself.
#[derive(Debug)]
pub struct Connection {
    tcp: TcpStream,
    cutter: Arc<Cutter>,
}

impl Connection {
    /// Wraps what was accepted.
    pub fn new(tcp: TcpStream, open: OpenConnections) -> Connection {
        open.0.all.fetch_add(1, Ordering::Relaxed);
        open.0.not_asked.fetch_add(1, Ordering::Relaxed);
        let cutter = Cutter {
            cut: AtomicBool::new(false),
            task: AtomicWaker::new(),
            carries_stream: AtomicBool::new(false),
            asked: AtomicBool::new(false),
            begun: AtomicUsize::new(0),
            in_use: AtomicUsize::new(0),
            open,
        };
        Connection { tcp, cutter: Arc::new(cutter) }
    }

    /// The other end's address.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.tcp.peer_addr().ok()
    }

    /// Which version of HTTP its client begins with. Nothing is taken from the connection.
    ///
    /// # Errors
    /// The connection broke, or nothing came within this time.
    pub async fn protocol(&self, within: Duration) -> io::Result<Protocol> {
        let mut beginning = [0; HTTP2_PREFACE.len()];
        let seen = tokio::time::timeout(within, self.tcp.peek(&mut beginning)).await??;
        let seen = beginning.get(..seen).unwrap_or_default();
        // "PR" is enough: no method of HTTP/1 that is answered here begins so.
        let is_http2 = seen.len() >= 2 && HTTP2_PREFACE.starts_with(seen);
        Ok(if is_http2 { Protocol::Http2 } else { Protocol::Http1 })
    }

    /// What ends it.
    pub fn cutter(&self) -> Arc<Cutter> {
        Arc::clone(&self.cutter)
    }

    /// Asked before every use of the socket; the task is woken when the answer changes.
    fn check(&self, context: &Context<'_>) -> io::Result<()> {
        self.cutter.task.register(context.waker());
        if !self.cutter.cut.load(Ordering::Acquire) {
            return Ok(());
        }
        // What waits in the socket is thrown away too, and the peer gets a reset.
        SockRef::from(&self.tcp).set_linger(Some(Duration::ZERO))?;
        Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the connection was cut"))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let open = &self.cutter.open.0;
        open.all.fetch_sub(1, Ordering::Relaxed);
        if !self.cutter.asked.load(Ordering::Relaxed) {
            open.not_asked.fetch_sub(1, Ordering::Relaxed);
        }
        if self.cutter.carries_stream.load(Ordering::Relaxed) {
            open.with_streams.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check(context)?;
        Pin::new(&mut self.tcp).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check(context)?;
        Pin::new(&mut self.tcp).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check(context)?;
        Pin::new(&mut self.tcp).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(context)?;
        Pin::new(&mut self.tcp).poll_shutdown(context)
    }
}

impl ActixStream for Connection {
    fn poll_read_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        ActixStream::poll_read_ready(&self.tcp, context)
    }

    fn poll_write_ready(&self, context: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        ActixStream::poll_write_ready(&self.tcp, context)
    }
}
