//! A client to the byte: requests over plain sockets, event streams read as they come.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use socket2::SockRef;

use super::process::PATIENCE;

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        values.next().map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    /// The body of a problem.
    pub fn problem(&self) -> serde_json::Value {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let problem: serde_json::Value = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(problem["status"], self.status, "{problem}");
        problem
    }
}

pub fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect_timeout(&address, PATIENCE).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// `GET` on a connection of its own.
pub fn get(address: SocketAddr, target: &str) -> Answer {
    request(address, "GET", target, b"")
}

/// A request on a connection of its own; a body is sent where there is one.
pub fn request(address: SocketAddr, method: &str, target: &str, body: &[u8]) -> Answer {
    let mut head = format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
    if !body.is_empty() {
        head += &format!("Content-Length: {}\r\n", body.len());
    }
    let mut bytes = (head + "\r\n").into_bytes();
    bytes.extend_from_slice(body);
    raw(address, &bytes)
}

/// `HEAD` on a connection of its own: an answer without the body that it speaks of.
pub fn head(address: SocketAddr, target: &str) -> Answer {
    head_of(address, &format!("HEAD {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
}

/// The same with this request.
pub fn head_of(address: SocketAddr, asked: &str) -> Answer {
    let all = exchange(address, asked.as_bytes());
    let text = String::from_utf8(all).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head in {text:?}"));
    let (status, headers) = parse_head(head);
    Answer { status, headers, body: body.as_bytes().to_vec() }
}

/// Sends these bytes, and reads the answer to its end.
pub fn raw(address: SocketAddr, bytes: &[u8]) -> Answer {
    parse(&exchange(address, bytes))
}

fn exchange(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = connect(address);
    // A server may answer, and close, before it has read everything.
    let _ = stream.write_all(bytes);
    let mut all = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        match stream.read(&mut chunk) {
            Ok(0) => break,
            Ok(len) => all.extend_from_slice(&chunk[..len]),
            Err(error) if error.kind() == ErrorKind::ConnectionReset && !all.is_empty() => break,
            Err(error) => panic!("after {:?}: {error}", String::from_utf8_lossy(&all)),
        }
    }
    all
}

fn parse(all: &[u8]) -> Answer {
    let shown = || String::from_utf8_lossy(all).into_owned();
    let end = all.windows(4).position(|window| window == b"\r\n\r\n");
    let end = end.unwrap_or_else(|| panic!("no head in {:?}", shown()));
    let (status, headers) = parse_head(std::str::from_utf8(&all[..end]).unwrap());
    let mut answer = Answer { status, headers, body: all[end + 4..].to_vec() };
    if answer.header("transfer-encoding") == Some("chunked") {
        let mut chunks = Chunks { raw: answer.body, ..Chunks::default() };
        chunks.decode();
        assert!(chunks.complete, "the body does not end properly: {:?}", shown());
        answer.body = chunks.decoded;
    } else if let Some(length) = answer.header("content-length") {
        assert_eq!(answer.body.len(), length.parse::<usize>().unwrap(), "{:?}", shown());
    }
    answer
}

fn parse_head(head: &str) -> (u16, Vec<(String, String)>) {
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let header =
        |line: &str| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
    (status, lines.filter_map(header).collect())
}

/// A chunked body as it comes.
#[derive(Default)]
struct Chunks {
    raw: Vec<u8>,
    decoded: Vec<u8>,
    complete: bool,
}

impl Chunks {
    fn decode(&mut self) {
        while !self.complete {
            let Some(line) = self.raw.windows(2).position(|window| window == b"\r\n") else { return };
            let len = usize::from_str_radix(std::str::from_utf8(&self.raw[..line]).unwrap(), 16).unwrap();
            let end = line + 2 + len + 2;
            if self.raw.len() < end {
                return;
            }
            self.decoded.extend_from_slice(&self.raw[line + 2..end - 2]);
            self.raw.drain(..end);
            self.complete = len == 0;
        }
    }
}

/// What comes on an event stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// `retry: N`.
    Retry(u64),
    /// A comment line.
    Comment,
    /// A frame: its name, and its data as it stands there.
    Frame(String, String),
    /// The end of a complete body.
    End,
    /// The connection broke off.
    Broken,
}

impl Said {
    #[allow(clippy::needless_pass_by_value, reason = "numbers and texts alike")]
    pub fn frame(name: &str, data: impl ToString) -> Said {
        Said::Frame(name.to_owned(), data.to_string())
    }
}

/// An event stream.
pub struct EventStream {
    stream: TcpStream,
    chunks: Chunks,
    pub headers: Vec<(String, String)>,
    /// The raw bytes of the body so far.
    pub seen: Vec<u8>,
}

impl EventStream {
    /// Opens one; the answer must be an event stream.
    pub fn open(address: SocketAddr, target: &str) -> EventStream {
        let stream = connect(address);
        EventStream::over(stream, target)
    }

    pub fn over(stream: TcpStream, target: &str) -> EventStream {
        EventStream::with_headers(stream, target, "")
    }

    /// With these lines in the head of its request, each with its end.
    pub fn with_headers(mut stream: TcpStream, target: &str, headers: &str) -> EventStream {
        let accept = "Accept: text/event-stream";
        write!(stream, "GET {target} HTTP/1.1\r\nHost: localhost\r\n{accept}\r\n{headers}\r\n").unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            let read = stream.read(&mut byte).unwrap_or_else(|error| panic!("no head of a stream: {error}"));
            assert_eq!(read, 1, "no head of a stream, but {:?}", String::from_utf8_lossy(&head));
            head.push(byte[0]);
        }
        let (status, headers) = parse_head(std::str::from_utf8(&head).unwrap().trim_end());
        assert_eq!(status, 200, "{headers:?}");
        EventStream { stream, chunks: Chunks::default(), headers, seen: Vec::new() }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(known, _)| known == name);
        values.next().map(|(_, value)| value.as_str())
    }

    pub fn socket(&self) -> &TcpStream {
        &self.stream
    }

    /// What comes next; fails when nothing comes.
    pub fn next(&mut self) -> Said {
        self.next_within(PATIENCE).unwrap_or_else(|| {
            panic!("nothing comes any more after {:?}", String::from_utf8_lossy(&self.seen))
        })
    }

    /// What comes next, if it comes within this time.
    pub fn next_within(&mut self, patience: Duration) -> Option<Said> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(said) = self.said() {
                return Some(said);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            self.stream.set_read_timeout(Some(left)).unwrap();
            let mut bytes = [0; 8192];
            match self.stream.read(&mut bytes) {
                Ok(0) => return Some(Said::Broken),
                Ok(len) => {
                    self.chunks.raw.extend_from_slice(&bytes[..len]);
                    self.chunks.decode();
                }
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(_) => return Some(Said::Broken),
            }
        }
    }

    /// The next frame, whatever stands before it.
    pub fn frame(&mut self) -> (String, String) {
        loop {
            match self.next() {
                Said::Frame(name, data) => return (name, data),
                Said::Retry(_) | Said::Comment => {}
                other => panic!("no frame but {other:?} after {:?}", String::from_utf8_lossy(&self.seen)),
            }
        }
    }

    /// Reads `hello`; its pid.
    pub fn hello(&mut self) -> u64 {
        let (name, data) = self.frame();
        assert_eq!(name, "hello", "{data}");
        data.parse().unwrap()
    }

    /// Reads to the end: the frames on the way, and whether the body was complete.
    pub fn rest(&mut self) -> (Vec<(String, String)>, bool) {
        let mut frames = Vec::new();
        loop {
            match self.next() {
                Said::Frame(name, data) => frames.push((name, data)),
                Said::Retry(_) | Said::Comment => {}
                Said::End => return (frames, true),
                Said::Broken => return (frames, false),
            }
        }
    }

    fn said(&mut self) -> Option<Said> {
        let decoded = &self.chunks.decoded;
        let Some(end) = decoded.windows(2).position(|window| window == b"\n\n") else {
            let ended = self.chunks.complete && decoded.is_empty();
            return ended.then_some(Said::End);
        };
        let block: Vec<u8> = self.chunks.decoded.drain(..end + 2).collect();
        self.seen.extend_from_slice(&block);
        let block = String::from_utf8(block).unwrap();
        let lines: Vec<&str> = block.trim_end().lines().collect();
        Some(match lines.as_slice() {
            [":"] => Said::Comment,
            [line] => match line.strip_prefix("retry: ") {
                Some(retry) => Said::Retry(retry.parse().unwrap()),
                None => panic!("not understood: {block:?}"),
            },
            [event, data] => Said::frame(
                event.strip_prefix("event: ").unwrap_or_else(|| panic!("{block:?}")),
                data.strip_prefix("data: ").unwrap_or_else(|| panic!("{block:?}")),
            ),
            _ => panic!("not understood: {block:?}"),
        })
    }
}

/// A client of an app: who it is, and where.
#[derive(Clone)]
pub struct Client {
    pub address: SocketAddr,
    pub app: &'static str,
    pub id: &'static str,
    pub role: &'static str,
    pub token: &'static str,
}

impl Client {
    pub fn controller(address: SocketAddr, id: &'static str) -> Client {
        Client { address, app: "demo", id, role: "controller", token: "alice" }
    }

    pub fn responder(address: SocketAddr, id: &'static str) -> Client {
        Client { role: "responder", ..Client::controller(address, id) }
    }

    pub fn with_token(self, token: &'static str) -> Client {
        Client { token, ..self }
    }

    pub fn in_app(self, app: &'static str) -> Client {
        Client { app, ..self }
    }

    pub fn credentials(&self) -> String {
        format!("clientId={}&clientRole={}&accessToken={}", self.id, self.role, self.token)
    }

    pub fn eventsource(&self) -> String {
        format!("/crsocket/{}/eventsource/?{}", self.app, self.credentials())
    }

    /// Opens its stream, whatever comes on it.
    pub fn stream(&self) -> EventStream {
        EventStream::open(self.address, &self.eventsource())
    }

    /// Opens its stream, and reads `hello`: the stream and its pid.
    pub fn connected(&self) -> (EventStream, u64) {
        let mut stream = self.stream();
        let pid = stream.hello();
        (stream, pid)
    }

    /// Sends by POST, as browsers do.
    pub fn send(&self, to: &str, event_type: &str, data: &str) -> Answer {
        request(self.address, "POST", &self.sendevent(to, event_type, data), b"")
    }

    pub fn sendevent(&self, to: &str, event_type: &str, data: &str) -> String {
        format!(
            "/crsocket/{}/sendevent/?{}&recipientClientId={to}&eventType={event_type}&eventData={}",
            self.app,
            self.credentials(),
            encode(data)
        )
    }

    /// Sends a crEvent of this type without params.
    pub fn send_event(&self, to: &str, event_type: &str) -> u16 {
        let data = format!("{event_type},,false,false,true,1,NaN,{}", self.id);
        self.send(to, "crEvent", &data).status
    }
}

/// A stream of this client that is not read, with all its buffers full: another client has sent until there was no room.
pub fn stalled(client: &Client) -> EventStream {
    let stream = connect(client.address);
    SockRef::from(&stream).set_recv_buffer_size(4096).unwrap();
    let mut stream = EventStream::over(stream, &client.eventsource());
    stream.hello();
    let senders = ["800001", "800002", "800003", "800004"];
    // Once one has come the stream has settled, and nothing waits in the line any more.
    let first = Client { id: senders[0], role: partner_role(client), ..client.clone() };
    assert_eq!(first.send_event(client.id, "first"), 204);
    stream.frame();
    for id in senders.into_iter().cycle() {
        let sender = Client { id, role: partner_role(client), ..client.clone() };
        let data = format!("a,,false,false,true,1,NaN,{id},{}", "x".repeat(8_000));
        let answer = sender.send(client.id, "crEvent", &data);
        if answer.status == 429 && answer.problem()["bound"] == "output" {
            break;
        }
    }
    stream
}

fn partner_role(client: &Client) -> &'static str {
    if client.role == "controller" { "responder" } else { "controller" }
}

/// Percent-encoded, every byte that is not a letter or a digit.
pub fn encode(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(byte).collect()
}

/// The data of a crEvent frame, decoded and split.
pub fn fields(data: &str) -> Vec<String> {
    let mut bytes = Vec::new();
    let mut rest = data.bytes();
    while let Some(byte) = rest.next() {
        let digit = |byte: Option<u8>| char::from(byte.unwrap()).to_digit(16).unwrap();
        let value = if byte == b'%' { digit(rest.next()) * 16 + digit(rest.next()) } else { u32::from(byte) };
        bytes.push(u8::try_from(value).unwrap());
    }
    String::from_utf8(bytes).unwrap().split(',').map(str::to_owned).collect()
}
