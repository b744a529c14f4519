//! A host over HTTP in the test's own process, and crSockets whose enclosing client writes down what it is told.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix::{Actor, Context, Handler, System};
use crsocket::actors::host::{CrSocketBuilder, Host, HostSettings, Server, SocketHandle, Threads};
use crsocket::actors::link::http::server::HttpServer;
use crsocket::actors::messages::{News, SocketEvent};
use crsocket::protocol::action::{Fate, Notice, Ticket};
use crsocket::protocol::event::{CrEvent, EventKind};
use crsocket::protocol::ids::{AccessToken, AppId, ClientId, Role};
use crsocket::protocol::time::{Millis, Timing};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::AbortHandle;
use tokio::time::timeout;

use crate::process::PATIENCE;

/// Everything within fractions of a second.
pub const CONFIG: &str = "[apps.demo]\n[timing]\n\
    server_interaction_complete_dt_ms = 300\nmin_cr_event_dt_ms = 10\ninteracting_max_event_out_dt_ms = 300\n\
    searching_max_event_out_dt_ms = 150\npartner_active_max_event_in_dt_ms = 1000\n\
    invalid_client_id_retry_dt_ms = 100\nevent_source_send_alive_dt_ms = 400\nmax_prev_alive_dt_ms = 1000\n\
    recipient_wait_dt_ms = 400\nhello_settle_dt_ms = 20\nsend_answer_dt_ms = 500\nhello_max_dt_ms = 800\n";

/// The same for the host.
pub fn timing() -> Timing {
    Timing {
        server_interaction_complete_dt: Millis(300),
        min_cr_event_dt: Millis(10),
        interacting_max_event_out_dt: Millis(300),
        searching_max_event_out_dt: Millis(150),
        partner_active_max_event_in_dt: Millis(1_000),
        invalid_client_id_retry_dt: Millis(100),
        event_source_send_alive_dt: Millis(400),
        max_prev_alive_dt: Millis(1_000),
        recipient_wait_dt: Millis(400),
        hello_settle_dt: Millis(20),
        send_answer_dt: Millis(500),
        hello_max_dt: Millis(800),
        ..Timing::default()
    }
}

pub fn run<T>(test: impl Future<Output = T>) -> T {
    System::new().block_on(test)
}

pub fn host(server: HttpServer) -> Host {
    Host::start(HostSettings {
        timing: timing(),
        threads: Threads::Here,
        ..HostSettings::new(Server::Http(server))
    })
}

pub fn server_at(address: SocketAddr) -> HttpServer {
    HttpServer::new(&format!("http://{address}")).unwrap()
}

/// A port on which nothing listens.
pub fn free_address() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

pub fn client_id(number: u32) -> ClientId {
    ClientId::from_number(number).unwrap()
}

/// Passes connections on, until they are cut.
#[derive(Clone, Default)]
pub struct Proxy {
    standing: Arc<Mutex<Vec<AbortHandle>>>,
    connections: Arc<AtomicUsize>,
}

impl Proxy {
    /// Where it listens.
    pub async fn start(self, to: SocketAddr) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let passes = tokio::spawn(async move {
                    let Ok(mut server) = TcpStream::connect(to).await else { return };
                    let _ = copy_bidirectional(&mut client, &mut server).await;
                });
                self.connections.fetch_add(1, Ordering::Relaxed);
                self.standing.lock().unwrap().push(passes.abort_handle());
            }
        });
        address
    }

    /// How many connections there were.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Ends all that stand.
    pub fn cut(&self) {
        for connection in self.standing.lock().unwrap().drain(..) {
            connection.abort();
        }
    }
}

/// A crSocket, and what its enclosing client was told.
pub struct Client {
    pub socket: SocketHandle,
    events: UnboundedReceiver<News>,
    pub seen: Vec<String>,
}

struct Witness(UnboundedSender<News>);

impl Actor for Witness {
    type Context = Context<Witness>;
}

impl Handler<SocketEvent> for Witness {
    type Result = ();

    fn handle(&mut self, event: SocketEvent, _: &mut Context<Witness>) {
        let _ = self.0.send(event.news);
    }
}

impl Client {
    /// A client of the app `demo`, of the user alice.
    pub fn new(host: &Host, role: Role, id: Option<u32>, partner: Option<u32>) -> Client {
        Client::of_app(host, "demo", role, id, partner)
    }

    pub fn of_app(host: &Host, app: &str, role: Role, id: Option<u32>, partner: Option<u32>) -> Client {
        let (tell, events) = unbounded_channel();
        let witness = Witness(tell).start();
        let mut builder = CrSocketBuilder::new(AppId::parse(app).unwrap(), role)
            .access_token(AccessToken::parse("alice&%41#").unwrap())
            .observer(witness.recipient());
        if let Some(id) = id {
            builder = builder.client_id(client_id(id));
        }
        if let Some(partner) = partner {
            builder = builder.partner(client_id(partner));
        }
        Client { socket: host.spawn(builder), events, seen: Vec::new() }
    }

    /// A controller and a responder that are interacting.
    pub async fn pair(host: &Host, controller: u32, responder: u32) -> (Client, Client) {
        let mut one = Client::new(host, Role::Controller, Some(controller), Some(responder));
        let mut other = Client::new(host, Role::Responder, Some(responder), None);
        one.reaches("interacting").await;
        other.reaches("interacting").await;
        (one, other)
    }

    /// What it is told next that `wanted` takes.
    pub async fn hears<T>(&mut self, what: &str, mut wanted: impl FnMut(&News) -> Option<T>) -> T {
        let search = async {
            loop {
                let news = self.events.recv().await.expect("the enclosing client is there");
                self.seen.push(format!("{news:?}"));
                if let Some(found) = wanted(&news) {
                    return found;
                }
            }
        };
        match timeout(PATIENCE, search).await {
            Ok(found) => found,
            Err(_) => panic!("{what} did not come; it was told:\n{}", self.seen.join("\n")),
        }
    }

    /// A state, or a state with its subState.
    pub async fn reaches(&mut self, wanted: &str) {
        self.hears(wanted, |news| match news {
            News::Notice(Notice::State { to, .. }) => {
                let whole = format!("{}/{}", to.as_str(), to.sub_state());
                (to.as_str() == wanted || whole == wanted).then_some(())
            }
            _ => None,
        })
        .await;
    }

    /// The partner's next ordinary event.
    pub async fn gets_event(&mut self) -> CrEvent {
        self.hears("an event", |news| match news {
            News::Notice(Notice::CrEvent(event)) if event.kind() == EventKind::Ordinary => {
                Some(event.clone())
            }
            _ => None,
        })
        .await
    }

    /// The final fate of an event of its own.
    pub async fn fate(&mut self, ticket: Ticket) -> Fate {
        self.hears("a fate", |news| match news {
            News::Notice(Notice::Fate { ticket: other, fate }) if *other == ticket && fate.is_final() => {
                Some(fate.clone())
            }
            _ => None,
        })
        .await
    }

    /// The next fate of an event of its own, final or not.
    pub async fn next_fate(&mut self, ticket: Ticket) -> Fate {
        self.hears("a fate", |news| match news {
            News::Notice(Notice::Fate { ticket: other, fate }) if *other == ticket => Some(fate.clone()),
            _ => None,
        })
        .await
    }
}

pub fn event(params: &[&str]) -> CrEvent {
    CrEvent::new("say", "word").unwrap().with_params(params).unwrap()
}

/// Waits until it holds.
pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let wait = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(timeout(PATIENCE, wait).await.is_ok(), "{what} did not come to be");
}
