//! A responder that is hosted in the test's own process, over the http link.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use actix::{Actor, Addr, AsyncContext, Context, Handler, System};
use crsocket::actors::board::Summary;
use crsocket::actors::echo::{Echo, Observes};
use crsocket::actors::host::{CrSocketBuilder, Host, HostSettings, Server, SocketHandle, Threads};
use crsocket::actors::link::http::server::HttpServer;
use crsocket::actors::messages::{News, SocketEvent};
use crsocket::protocol::action::Notice;
use crsocket::protocol::event::{CrEvent, EventKind};
use crsocket::protocol::ids::{AccessToken, AppId, ClientId, Role};
use tokio::sync::oneshot;

use crate::process::PATIENCE;
use crate::setup::{TOKEN, timing, until};

/// A responder that answers each crEvent with its content. It leaves when it is dropped.
pub struct Responder {
    socket: SocketHandle,
    told: Arc<Mutex<Vec<News>>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Writes down what happens, and passes it on.
struct Witness {
    told: Arc<Mutex<Vec<News>>>,
    echo: Addr<Echo>,
}

impl Actor for Witness {
    type Context = Context<Witness>;
}

impl Handler<SocketEvent> for Witness {
    type Result = ();

    fn handle(&mut self, event: SocketEvent, _: &mut Context<Witness>) {
        self.told.lock().unwrap().push(event.news.clone());
        self.echo.do_send(event);
    }
}

impl Responder {
    /// With this clientId, at this server.
    pub fn start(server: SocketAddr, id: &str) -> Responder {
        let builder = CrSocketBuilder::new(AppId::parse("demo").unwrap(), Role::Responder)
            .client_id(ClientId::parse(id).unwrap())
            .access_token(AccessToken::parse(TOKEN).unwrap());
        let told = Arc::<Mutex<Vec<News>>>::default();
        let (stop, stopped) = oneshot::channel();
        let (tell, spawned) = std::sync::mpsc::channel();
        let to_be_told = Arc::clone(&told);
        let thread = thread::spawn(move || {
            System::new().block_on(async move {
                let server = HttpServer::new(&format!("http://{server}")).unwrap();
                let host = Host::start(HostSettings {
                    timing: timing(),
                    threads: Threads::Here,
                    ..HostSettings::new(Server::Http(server))
                });
                let echo = Echo::default().start();
                let witness_echo = echo.clone();
                let witness = Witness::create(|context| {
                    let observed = builder.observer(context.address().recipient());
                    let socket = host.spawn(observed);
                    witness_echo.do_send(Observes(socket.clone()));
                    tell.send(socket).unwrap();
                    Witness { told: to_be_told, echo }
                });
                let _ = stopped.await;
                host.stop(PATIENCE).await;
                drop(witness);
            });
        });
        let socket = spawned.recv_timeout(PATIENCE).unwrap();
        Responder { socket, told, stop: Some(stop), thread: Some(thread) }
    }

    /// What it publishes of itself.
    pub fn summary(&self) -> Summary {
        self.socket.summary().unwrap()
    }

    /// Waits until it is in this state, with this partner.
    pub fn reaches(&self, state: &str, partner: Option<&str>) {
        let partner = partner.map(|partner| ClientId::parse(partner).unwrap());
        until(&format!("the responder in state {state} with {partner:?}"), || {
            let now = self.summary();
            let reached = now.state.state() == state && now.partner == partner;
            if reached {
                Ok(())
            } else {
                Err(format!("{now:?}; it was told {:?}", self.told.lock().unwrap()))
            }
        });
    }

    /// How much it was told up to now.
    pub fn mark(&self) -> usize {
        self.told.lock().unwrap().len()
    }

    /// The states it was in since this mark.
    pub fn states_since(&self, mark: usize) -> Vec<&'static str> {
        let told = self.told.lock().unwrap();
        let state = |news: &News| match news {
            News::Notice(Notice::State { to, .. }) => Some(to.as_str()),
            _ => None,
        };
        told[mark..].iter().filter_map(state).collect()
    }

    /// Whether its partner has sent it an event of this type since this mark.
    pub fn heard(&self, event_type: &str, mark: usize) -> bool {
        let told = self.told.lock().unwrap();
        told[mark..].iter().any(
            |news| matches!(news, News::Notice(Notice::CrEvent(event)) if &*event.event_type == event_type),
        )
    }

    /// The crEvents it got, without the protocol's own.
    pub fn received(&self) -> Vec<CrEvent> {
        let told = self.told.lock().unwrap();
        let event = |news: &News| match news {
            News::Notice(Notice::CrEvent(event)) if event.kind() == EventKind::Ordinary => {
                Some(event.clone())
            }
            _ => None,
        };
        told.iter().filter_map(event).collect()
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        let _ = self.stop.take().map(|stop| stop.send(()));
        let _ = self.thread.take().map(JoinHandle::join);
    }
}
