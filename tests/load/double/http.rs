//! HTTP/1.1 as far as CRSocket needs it.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use crsocket::protocol::ids::{ClientId, Pid};
use crsocket::protocol::time::Millis;
use crsocket::protocol::wire::{
    EventSourceParams, MsgEvent, Query, SendEvent, write_client_id_answer, write_retry,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep, sleep_until};

use super::relay::{Answer, Line, Opened, Relay};

/// How long a crEvent waits for the next one, behind which it is to be delivered.
const LONGEST_HOLD: Duration = Duration::from_secs(1);

const NOT_FOUND: &str = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";

/// Answers the requests of a connection until it ends.
pub async fn answer(mut stream: TcpStream, relay: Rc<RefCell<Relay>>) {
    let mut read = Vec::new();
    // A connection that breaks is one that ends.
    while let Ok(Some(asked)) = request(&mut stream, &mut read).await {
        let responded = respond(&mut stream, &asked.target, &relay).await;
        if asked.is_last || !matches!(responded, Ok(true)) {
            return;
        }
    }
}

struct Asked {
    target: String,
    /// Whether its client wants the connection closed behind the answer.
    is_last: bool,
}

/// The next request; none where there is no other one.
async fn request(stream: &mut TcpStream, read: &mut Vec<u8>) -> io::Result<Option<Asked>> {
    let end = loop {
        if let Some(at) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(read).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8(read[..end].to_vec()).map_err(io::Error::other)?;
    let header = |name: &str| {
        let mut pairs = head.lines().filter_map(|line| line.split_once(": "));
        pairs.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    };
    let all = end + header("content-length").and_then(|value| value.parse().ok()).unwrap_or(0);
    let is_last = header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
    let target = head.split(' ').nth(1).map(str::to_owned);
    while read.len() < all {
        if stream.read_buf(read).await? == 0 {
            return Ok(None);
        }
    }
    read.drain(..all);
    Ok(target.map(|target| Asked { target, is_last }))
}

/// Whether the connection can be used for another request.
async fn respond(stream: &mut TcpStream, target: &str, relay: &Rc<RefCell<Relay>>) -> io::Result<bool> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut parts = path.trim_end_matches('/').split('/').skip(1);
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some("crsocket"), Some(_app), Some("clientid"), None) => {
            let id = relay.borrow_mut().client_id();
            let body = write_client_id_answer(id);
            let head = "Content-Type: text/xml; charset=UTF-8\r\nCache-Control: no-store";
            let length = body.len();
            let answer = format!("HTTP/1.1 200 OK\r\n{head}\r\nContent-Length: {length}\r\n\r\n{body}");
            stream.write_all(answer.as_bytes()).await?;
            Ok(true)
        }
        (Some("crsocket"), Some(_app), Some("eventsource"), None) => {
            event_source(stream, query, relay).await?;
            Ok(false)
        }
        (Some("crsocket"), Some(_app), Some("sendevent"), None) => send_event(stream, query, relay).await,
        _ => {
            stream.write_all(NOT_FOUND.as_bytes()).await?;
            Ok(true)
        }
    }
}

async fn send_event(stream: &mut TcpStream, query: &str, relay: &Rc<RefCell<Relay>>) -> io::Result<bool> {
    let Ok(sent) = SendEvent::parse(Query::new(query), 8192) else {
        return status(stream, 400).await;
    };
    let answer = relay.borrow_mut().send(&sent);
    if let MsgEvent::CrEvent(event) = &sent.event
        && relay.borrow().holds(event)
    {
        let (relay, event) = (Rc::clone(relay), event.clone());
        tokio::task::spawn_local(async move {
            sleep(LONGEST_HOLD).await;
            relay.borrow_mut().let_go(&event);
        });
    }
    match answer {
        Answer::Now(code) => status(stream, code).await,
        Answer::After(length, code) => {
            sleep(length).await;
            status(stream, code).await
        }
        Answer::Never => {
            // Until its client has had enough.
            while stream.read(&mut [0; 64]).await? > 0 {}
            Ok(false)
        }
    }
}

async fn status(stream: &mut TcpStream, code: u16) -> io::Result<bool> {
    let answer = if code == 204 {
        "HTTP/1.1 204 No Content\r\nCache-Control: no-store\r\n\r\n".to_owned()
    } else {
        let body = format!("{{\"type\":\"about:blank\",\"status\":{code},\"detail\":\"on purpose\"}}");
        let head = format!("Content-Type: application/problem+json\r\nContent-Length: {}", body.len());
        format!("HTTP/1.1 {code} On Purpose\r\n{head}\r\n\r\n{body}")
    };
    stream.write_all(answer.as_bytes()).await?;
    Ok(true)
}

/// A stream, until one of both ends it.
async fn event_source(stream: &mut TcpStream, query: &str, relay: &Rc<RefCell<Relay>>) -> io::Result<()> {
    let params = EventSourceParams::read(Query::new(query));
    let Ok((_, credentials)) = params.check() else {
        status(stream, 400).await?;
        return Ok(());
    };
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n\
        X-Accel-Buffering: no\r\nTransfer-Encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await?;
    let opened = relay.borrow_mut().open(&credentials);
    match opened {
        Opened::ShutOut => {
            let mut retry = Vec::new();
            write_retry(Millis(500), &mut retry);
            chunk(stream, &retry).await?;
            chunk(stream, b"").await
        }
        Opened::Stream { pid, lines } => {
            let _session = Open { relay: Rc::clone(relay), id: credentials.client_id, pid };
            write_lines(stream, lines).await
        }
    }
}

/// A session that ends when its stream does, however that is.
struct Open {
    relay: Rc<RefCell<Relay>>,
    id: ClientId,
    pid: Pid,
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Ok(mut relay) = self.relay.try_borrow_mut() {
            relay.ended(self.id, self.pid);
        }
    }
}

async fn write_lines(stream: &mut TcpStream, mut lines: UnboundedReceiver<Line>) -> io::Result<()> {
    let mut nothing = [0; 64];
    loop {
        let line = tokio::select! {
            line = lines.recv() => line,
            read = stream.read(&mut nothing) => {
                if read? == 0 {
                    return Ok(());
                }
                continue;
            }
        };
        let Some(line) = line else { return chunk(stream, b"").await };
        if let Some(due) = line.due {
            sleep_until(Instant::from_std(due)).await;
        }
        let mut bytes = Vec::new();
        line.frame.write_to(&mut bytes);
        chunk(stream, &bytes).await?;
        if line.is_last {
            return chunk(stream, b"").await;
        }
    }
}

/// A piece of a chunked body; the empty one ends it.
async fn chunk(stream: &mut TcpStream, piece: &[u8]) -> io::Result<()> {
    let mut bytes = format!("{:x}\r\n", piece.len()).into_bytes();
    bytes.extend_from_slice(piece);
    bytes.extend_from_slice(b"\r\n");
    stream.write_all(&bytes).await
}
