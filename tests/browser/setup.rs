//! A server with the test page, short timings, ways to it, and patience.

use std::fs;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use crsocket::protocol::time::{Millis, Timing};
use tempfile::TempDir;

use crate::process::{PATIENCE, Server};
use crate::proxy::Nginx;

/// On whose behalf everybody acts.
pub const TOKEN: &str = "alice";

/// Which client a page runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// One of protocol version 1.13, in small: `page.html`.
    Existing,
    /// This project's: `client.html`.
    Ours,
}

impl Client {
    /// The name of its page in the controller's and the responder's folder.
    pub fn file(self) -> &'static str {
        match self {
            Client::Existing => "",
            Client::Ours => "client.html",
        }
    }

    /// Its timings, by their names in the address of its page.
    pub fn timing(self) -> &'static [(&'static str, u32)] {
        match self {
            Client::Existing => &[
                ("minCrEventDt", 20),
                ("pingDt", 300),
                ("partnerActiveMaxEventInDt", 4_000),
                ("eventSourceSendAliveDt", 1_000),
            ],
            Client::Ours => &[
                ("minCrEventDt", 20),
                ("interactingMaxEventOutDt", 600),
                ("searchingMaxEventOutDt", 300),
                ("partnerActiveMaxEventInDt", 4_000),
                ("eventSourceSendAliveDt", 1_000),
                ("helloMaxDt", 4_000),
            ],
        }
    }
}

/// Those of the server and the clients it hosts.
const CONFIG: &str = "[apps.demo]\n[apps.closed]\naccess = \"list\"\ntokens = [\"alice\"]\n[timing]\n\
    min_cr_event_dt_ms = 20\ninteracting_max_event_out_dt_ms = 600\nsearching_max_event_out_dt_ms = 300\n\
    partner_active_max_event_in_dt_ms = 4000\nevent_source_send_alive_dt_ms = 1000\nmax_prev_alive_dt_ms = 4000\n\
    hello_max_dt_ms = 4000\nrelease_dt_ms = 2500\n";

/// The same for a host of this process.
pub fn timing() -> Timing {
    Timing {
        min_cr_event_dt: Millis(20),
        interacting_max_event_out_dt: Millis(600),
        searching_max_event_out_dt: Millis(300),
        partner_active_max_event_in_dt: Millis(4_000),
        event_source_send_alive_dt: Millis(1_000),
        max_prev_alive_dt: Millis(4_000),
        hello_max_dt: Millis(4_000),
        release_dt: Millis(2_500),
        ..Timing::default()
    }
}

/// How the page reaches the server.
#[derive(Clone, Copy, Debug)]
pub enum Way {
    Directly,
    BehindNginx,
}

/// A server that serves the test page, and what stands before it.
pub struct Site {
    server: Option<Server>,
    nginx: Option<Nginx>,
    config: String,
}

impl Site {
    /// None if what should stand before it is not there.
    pub fn start(way: Way) -> Option<Site> {
        Site::with(way, "")
    }

    /// With more of a configuration.
    pub fn with(way: Way, more: &str) -> Option<Site> {
        let folder = tempfile::tempdir().unwrap();
        let public = folder.path().join("public");
        for folder in ["demo/controller", "demo/responder", "closed/controller"] {
            let folder = public.join(folder);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("index.html"), include_str!("page.html")).unwrap();
            fs::write(folder.join("client.html"), include_str!("client.html")).unwrap();
        }
        let config = format!("[server]\nweb_root = {public:?}\n{CONFIG}{more}");
        let server = Server::at(own_address(), folder, &config);
        let nginx = match way {
            Way::Directly => None,
            Way::BehindNginx => Some(Nginx::before(&server)?),
        };
        Some(Site { server: Some(server), nginx, config })
    }

    pub fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }

    /// Where browsers reach it.
    pub fn address(&self) -> SocketAddr {
        self.nginx.as_ref().map_or(self.server().address, |nginx| nginx.address)
    }

    /// The server stops as it should.
    pub fn stop(&mut self) -> Stopped {
        let mut server = self.server.take().unwrap();
        assert!(server.stop().success());
        Stopped { address: server.address, folder: server.kill() }
    }

    /// The server dies.
    pub fn kill(&mut self) -> Stopped {
        let server = self.server.take().unwrap();
        Stopped { address: server.address, folder: server.kill() }
    }

    /// It is there again, where it was.
    pub fn start_again(&mut self, stopped: Stopped) {
        self.server = Some(Server::at(stopped.address, stopped.folder, &self.config));
    }
}

/// What is left of a server, for the next one.
pub struct Stopped {
    address: SocketAddr,
    folder: TempDir,
}

/// An address of this machine that nobody else uses: its port stays free while the server is away, also from the many
/// connections that others make at that time.
pub fn own_address() -> SocketAddr {
    SocketAddr::from(([127, fastrand::u8(1..=254), fastrand::u8(..), fastrand::u8(1..=254)], 0))
}

/// Waits until it is so. What it is instead is told if it never is.
pub fn until<T>(what: &str, mut probe: impl FnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match probe() {
            Ok(found) => return found,
            Err(instead) => assert!(Instant::now() < deadline, "no {what}, but {instead}"),
        }
        thread::sleep(Duration::from_millis(10));
    }
}
