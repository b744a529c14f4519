//! A watcher of `/admin/live`.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tungstenite::client::IntoClientRequest;
use tungstenite::http::{HeaderName, HeaderValue};
use tungstenite::{Error, HandshakeError, Message, WebSocket};

use crate::client::connect;
use crate::process::PATIENCE;

/// A watcher.
pub struct Live {
    socket: WebSocket<TcpStream>,
    /// Every text that came.
    pub texts: Vec<String>,
}

/// Opens a WebSocket with these headers; the status with which it is refused.
pub fn open(address: SocketAddr, headers: &[(&str, &str)]) -> Result<WebSocket<TcpStream>, u16> {
    let mut request = format!("ws://{address}/admin/live").into_client_request().unwrap();
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        request.headers_mut().insert(name, HeaderValue::from_str(value).unwrap());
    }
    match tungstenite::client(request, connect(address)) {
        Ok((socket, _)) => Ok(socket),
        Err(HandshakeError::Failure(Error::Http(response))) => Err(response.status().as_u16()),
        Err(other) => panic!("no handshake: {other}"),
    }
}

impl Live {
    pub fn open(address: SocketAddr) -> Live {
        let socket = open(address, &[]).unwrap_or_else(|status| panic!("refused with {status}"));
        Live { socket, texts: Vec::new() }
    }

    /// Watches what this asks for.
    pub fn watching(address: SocketAddr, subscription: &Value) -> Live {
        let mut live = Live::open(address);
        live.say(&subscription.to_string());
        let subscribed = live.next_of("subscribed");
        assert_eq!(subscribed, json!({ "type": "subscribed", "to": subscription["subscribe"] }));
        live
    }

    pub fn say(&mut self, text: &str) {
        self.socket.send(Message::text(text)).unwrap();
    }

    pub fn send(&mut self, message: Message) {
        self.socket.send(message).unwrap();
    }

    /// What it says is wrong.
    pub fn error(&mut self, text: &str) -> String {
        self.say(text);
        self.next_of("error")["detail"].as_str().unwrap().to_owned()
    }

    /// The next message, if one comes within this time.
    pub fn next_within(&mut self, patience: Duration) -> Option<Value> {
        let deadline = Instant::now() + patience;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            self.socket.get_ref().set_read_timeout(Some(left)).unwrap();
            match self.socket.read() {
                Ok(Message::Text(text)) => {
                    self.texts.push(text.as_str().to_owned());
                    return Some(serde_json::from_str(&text).unwrap());
                }
                Ok(_) => {}
                Err(Error::Io(error))
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(error) => panic!("the WebSocket broke: {error}; so far: {:?}", self.texts),
            }
        }
    }

    /// The next message of this type; what comes before it is passed over.
    pub fn next_of(&mut self, kind: &str) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Some(message) = self.next_within(left) else {
                let last = self.texts.last().map(|text| text.chars().take(400).collect::<String>());
                panic!("no {kind} comes; so far: {} messages, the last: {last:?}", self.texts.len());
            };
            if message["type"] == kind {
                return message;
            }
        }
    }

    /// The next item of this kind for which this holds.
    pub fn item(&mut self, kind: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        loop {
            let batch = self.next_of(kind);
            if let Some(item) = batch["items"].as_array().unwrap().iter().find(|item| is_it(item)) {
                return item.clone();
            }
        }
    }

    /// All items of this kind up to one for which this holds, which is the last.
    pub fn items_until(&mut self, kind: &str, is_last: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut items = Vec::new();
        loop {
            for item in self.next_of(kind)["items"].as_array().unwrap() {
                items.push(item.clone());
                if is_last(item) {
                    return items;
                }
            }
        }
    }
}
