//! What all handlers share.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use actix::dev::{MessageResponse, ToEnvelope};
use actix::{Actor, Addr, Handler, Message};
use actix_web::HttpRequest;
use arc_swap::ArcSwap;
use ipnet::IpNet;

use super::built_in::BuiltIn;
use super::demo::Demo;
use super::files::WebRoot;
use super::front_page::FrontPage;
use super::remote;
use crate::actors::client_ids::ClientIds;
use crate::actors::registry::Registry;
use crate::apps::AppTable;
use crate::metrics::{Counter, Counters};
use crate::problem::Problem;
use crate::protocol::ids::AppId;
use crate::protocol::time::Millis;

/// One server's parts, as its handlers need them.
#[derive(Debug)]
pub struct Site {
    /// Set once the first HTTP worker has started it on its own thread.
    pub registry: OnceLock<Addr<Registry>>,
    /// The apps, replaced as a whole when their files change.
    pub apps: ArcSwap<AppTable>,
    /// Whether any app lets pages of other origins in.
    pub has_cors: bool,
    /// The files that are served.
    pub web_root: Option<WebRoot>,
    /// The demo, where it is on.
    pub demo: Option<Demo>,
    /// Gives out clientIds.
    pub client_ids: Arc<ClientIds>,
    /// Whose X-Forwarded-For or Forwarded names the client.
    pub trusted_proxies: Vec<IpNet>,
    /// The longest event data string that is accepted, in bytes, decoded.
    pub max_event_data_length: usize,
    /// The longest time without anything written to a stream.
    pub heartbeat: Millis,
    /// The same on HTTP/2.
    pub heartbeat_http2: Millis,
    /// Where everything is counted.
    pub counters: Arc<Counters>,
    /// The requests that are being answered.
    pub requests: Requests,
    /// Whether the server stops.
    pub stopping: AtomicBool,
}

impl Site {
    /// Asks the Registry, and waits for its answer.
    ///
    /// # Errors
    /// A `503` where it is gone; the process ends then.
    pub async fn ask<M>(&self, message: M) -> Result<M::Result, Problem>
    where
        M: Message + Send + 'static,
        M::Result: Send,
        Registry: Handler<M>,
        <Registry as Actor>::Context: ToEnvelope<Registry, M>,
        <Registry as Handler<M>>::Result: MessageResponse<Registry, M>,
    {
        self.registry()?.send(message).await.map_err(|_| self.registry_gone())
    }

    /// The Registry.
    ///
    /// # Errors
    /// A `503` where it has not been started yet.
    pub(super) fn registry(&self) -> Result<&Addr<Registry>, Problem> {
        self.registry.get().ok_or_else(|| self.registry_gone())
    }

    /// What is said where it is not there.
    pub(super) fn registry_gone(&self) -> Problem {
        self.counters.count(Counter::ServerGone);
        Problem::not_now("the server is not ready", 1)
    }

    /// The app of this name, if this server has it.
    pub fn app(&self, name: &str) -> Option<AppId> {
        let table = self.apps.load();
        if let Ok(at) = table.names.binary_search_by(|known| known.as_str().cmp(name)) {
            return table.names.get(at).cloned();
        }
        AppId::parse(name).ok().filter(|app| table.apps.get(app).is_some())
    }

    /// Which of the files that are compiled in are served.
    pub(super) fn built_in(&self) -> BuiltIn {
        BuiltIn { demo: self.demo.is_some() }
    }

    /// What the front page tells.
    pub(super) fn front(&self) -> FrontPage {
        FrontPage::new(&self.apps.load(), self.web_root.as_ref())
    }

    /// Who asks: the peer, or whom a trusted proxy names.
    pub fn client_address(&self, request: &HttpRequest) -> Option<IpAddr> {
        remote::client_address(request, &self.trusted_proxies)
    }

    /// Whether the server stops.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
}

/// Counts the requests that are being answered.
#[derive(Debug, Default)]
pub struct Requests(AtomicUsize);

impl Requests {
    /// One more, until what is returned is dropped.
    pub fn begin(&self) -> UnderWay<'_> {
        self.0.fetch_add(1, Ordering::SeqCst);
        UnderWay(self)
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub struct UnderWay<'a>(&'a Requests);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}
