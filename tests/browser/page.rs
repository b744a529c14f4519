//! A page with a client, existing (`page.html`) or ours (`client.html`), in a browser.

use std::fmt::Write as _;
use std::net::SocketAddr;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::setup::{Client, TOKEN, until};

/// What the test page knows, and what it has seen since it was loaded.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    pub client_id: Option<String>,
    pub state: String,
    /// All its states.
    pub states: Vec<String>,
    /// The pids of all its streams.
    pub pids: Vec<String>,
    /// How many crEvents of its partner it has received, without the protocol's own.
    pub received: usize,
}

/// A crEvent that the page has received.
#[derive(Debug, Deserialize, PartialEq, Eq)]
pub struct Received {
    #[serde(rename = "type")]
    pub event_type: String,
    #[serde(rename = "subType")]
    pub sub_type: String,
    pub sender: String,
    pub params: Vec<String>,
}

/// A browser that shows the page.
pub struct Page {
    browser: Browser,
    address: String,
}

impl Page {
    /// A controller that seeks this partner. None without a browser.
    pub fn open(client: Client, server: SocketAddr, partner: &str) -> Option<Page> {
        Page::with(client, server, "demo/controller", TOKEN, partner)
    }

    /// In this folder (app and role), with this accessToken.
    pub fn with(
        client: Client,
        server: SocketAddr,
        folder: &str,
        token: &str,
        partner: &str,
    ) -> Option<Page> {
        let browser = Browser::start()?;
        let (file, role) = (client.file(), folder.rsplit('/').next().unwrap());
        let query = format!("role={role}&accessToken={token}&partner={partner}");
        let mut address = format!("http://{server}/crsocket/{folder}/{file}?{query}");
        for (name, millis) in client.timing() {
            write!(address, "&{name}={millis}").unwrap();
        }
        browser.open(&address);
        Some(Page { browser, address })
    }

    /// Where it is.
    pub fn address(&self) -> &str {
        &self.address
    }

    pub fn browser(&self) -> &Browser {
        &self.browser
    }

    /// Loads it anew.
    pub fn load(&self) {
        self.browser.open(&self.address);
    }

    pub fn snapshot(&self) -> Snapshot {
        let script = "return { clientId, state, states: seen.states, pids: seen.pids, \
                      received: seen.received.length };";
        self.browser.run(script, &[])
    }

    /// Waits for a state; its clientId.
    pub fn reaches(&self, state: &str) -> String {
        until(&format!("the page in state {state}"), || {
            let now = self.snapshot();
            if now.state == state { Ok(now.client_id.unwrap()) } else { Err(format!("{now:?}")) }
        })
    }

    /// Sends a crEvent.
    pub fn send(&self, event_type: &str, sub_type: &str, params: &[&str]) {
        let arguments = [json!(event_type), json!(sub_type), json!(params)];
        self.browser.run::<Value>("send(...arguments);", &arguments);
    }

    /// Sends a crEvent, and waits for the next one of its partner.
    pub fn asks(&self, event_type: &str, sub_type: &str, params: &[&str]) -> Received {
        let before = self.snapshot().received;
        self.send(event_type, sub_type, params);
        until(&format!("an answer to {params:?}"), || {
            let next: Option<Received> =
                self.browser.run("return seen.received[arguments[0]];", &[json!(before)]);
            next.ok_or_else(|| format!("{:?}", self.snapshot()))
        })
    }
}
