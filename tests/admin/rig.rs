//! A server with an admin part, and whoever asks it.

use std::fmt::Write;
use std::net::SocketAddr;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::{Answer, EventStream, head_of, raw};
use crate::process::{PATIENCE, Server};

/// Everything within fractions of a second.
pub const SHORT: &str = "[timing]\nserver_interaction_complete_dt_ms = 300\nmin_cr_event_dt_ms = 10\n\
    interacting_max_event_out_dt_ms = 300\nsearching_max_event_out_dt_ms = 150\n\
    partner_active_max_event_in_dt_ms = 1000\ninvalid_client_id_retry_dt_ms = 100\n\
    event_source_send_alive_dt_ms = 400\nmax_prev_alive_dt_ms = 1000\nrecipient_wait_dt_ms = 400\n\
    hello_settle_dt_ms = 20\nsend_answer_dt_ms = 500\nhello_max_dt_ms = 800\n";

/// Somebody who asks an admin part.
#[derive(Clone, Copy, Debug)]
pub struct Admin {
    pub address: SocketAddr,
}

impl Admin {
    pub fn of(server: &Server) -> Admin {
        Admin { address: server.admin() }
    }

    /// With these lines in its head, each with its end, and this body.
    pub fn raw(&self, method: &str, target: &str, head: &str, body: &[u8]) -> Answer {
        let mut bytes = format!("{method} {target} HTTP/1.1\r\nConnection: close\r\n{head}").into_bytes();
        if !body.is_empty() {
            bytes.extend_from_slice(format!("Content-Length: {}\r\n", body.len()).as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(body);
        raw(self.address, &bytes)
    }

    /// `HEAD`: an answer without the body that it speaks of.
    pub fn head(&self, target: &str, head: &str) -> Answer {
        head_of(self.address, &format!("HEAD {target} HTTP/1.1\r\nConnection: close\r\n{head}\r\n"))
    }

    /// As a program of this machine does.
    pub fn ask(&self, method: &str, target: &str, body: Option<&Value>) -> Answer {
        let host = format!("Host: {}\r\n", self.address);
        match body {
            None => self.raw(method, target, &host, b""),
            Some(body) => {
                let head = host + "Content-Type: application/json\r\n";
                self.raw(method, target, &head, body.to_string().as_bytes())
            }
        }
    }

    /// What it answers with this status, in JSON.
    pub fn told(&self, status: u16, method: &str, target: &str, body: Option<&Value>) -> Value {
        let answer = self.ask(method, target, body);
        assert_eq!(answer.status, status, "{method} {target} {body:?}: {}", answer.text());
        assert_eq!(answer.header("content-type"), Some("application/json"), "{method} {target}: {answer:?}");
        serde_json::from_slice(&answer.body).unwrap()
    }

    pub fn get(&self, target: &str) -> Value {
        self.told(200, "GET", target, None)
    }

    /// The sentence with which it is refused with this status.
    pub fn refused(&self, status: u16, method: &str, target: &str, body: Option<&Value>) -> String {
        let answer = self.ask(method, target, body);
        assert_eq!(answer.status, status, "{method} {target} {body:?}: {}", answer.text());
        answer.problem()["detail"].as_str().unwrap().to_owned()
    }

    /// Spawns crSockets; their socketIds.
    pub fn spawn(&self, body: &Value) -> Vec<u64> {
        let spawned = self.told(201, "POST", "/admin/api/sockets", Some(body));
        ids(&spawned)
    }

    /// Spawns one.
    pub fn spawn_one(&self, app: &str, role: &str, more: &Value) -> u64 {
        let mut body = json!({ "app": app, "accessToken": "alice", "role": role });
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        let spawned = self.spawn(&body);
        assert_eq!(spawned.len(), 1, "{spawned:?}");
        spawned[0]
    }

    pub fn socket(&self, id: u64) -> Value {
        self.get(&format!("/admin/api/sockets/{id}"))
    }

    pub fn set(&self, id: u64, facts: &Value) -> Value {
        self.told(200, "PATCH", &format!("/admin/api/sockets/{id}"), Some(facts))
    }

    pub fn send(&self, id: u64, event: &Value) -> Value {
        self.told(200, "POST", &format!("/admin/api/sockets/{id}/events"), Some(event))
    }

    /// Waits until a crSocket is in this state, `state` or `state/subState`.
    pub fn wait_for(&self, id: u64, state: &str) -> Value {
        until(&format!("{id} in {state}"), || {
            let socket = self.socket(id);
            if state_of(&socket) == state { Ok(socket) } else { Err(socket.to_string()) }
        })
    }

    /// A session; none where there is none.
    pub fn session(&self, client_id: &str) -> Option<Value> {
        let page = self.get(&format!("/admin/api/sessions?clientId={client_id}"));
        page["sessions"].as_array().unwrap().first().cloned()
    }
}

/// The state of a crSocket, with its subState.
pub fn state_of(socket: &Value) -> String {
    let mut state = socket["state"].as_str().unwrap_or_else(|| panic!("no state in {socket}")).to_owned();
    if let Some(sub_state) = socket["subState"].as_str() {
        write!(state, "/{sub_state}").unwrap();
    }
    state
}

/// The socketIds of a list.
pub fn ids(list: &Value) -> Vec<u64> {
    let sockets = list["sockets"].as_array().unwrap_or_else(|| panic!("no list: {list}"));
    sockets.iter().map(|socket| socket["socketId"].as_u64().unwrap()).collect()
}

/// Looks again and again until it is so; fails with what was seen last.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match look() {
            Ok(found) => return found,
            Err(seen) => assert!(Instant::now() < deadline, "waited in vain for {what}; last: {seen}"),
        }
        sleep(Duration::from_millis(10));
    }
}

/// Reads a stream until this frame comes; its data.
pub fn frame(stream: &mut EventStream, name: &str) -> String {
    loop {
        let (seen, data) = stream.frame();
        if seen == name {
            return data;
        }
    }
}

/// A sentence with its lengths of time left out: `12.4 s` and `1 min 3 s` are `N s`.
pub fn untimed(sentence: &str) -> String {
    let mut words: Vec<String> = sentence.split(' ').map(str::to_owned).collect();
    let is_number = |word: &str| word.parse::<f64>().is_ok();
    let mut place = 0;
    while place + 1 < words.len() {
        let unit = words[place + 1].trim_end_matches([';', ',', ':']).to_owned();
        if is_number(&words[place]) && unit == "min" {
            words.drain(place..place + 2);
            continue;
        }
        if is_number(&words[place]) && unit == "s" {
            words[place] = "N".to_owned();
        }
        place += 1;
    }
    words.join(" ")
}
