//! A small CRSocket server that does damage on purpose, and writes down exactly what it did.
//!
//! One thread of the test's own process. It gives clientIds, holds event streams and relays crEvents between them; it asks
//! nobody who they are. What goes wrong is said by [`Rule`]s, which count the ordinary crEvents as they come: pings and
//! goodbyes, `alive` and `close` are always treated as they should be.

mod http;
mod relay;
mod rules;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::Builder;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::LocalSet;

use self::relay::Relay;
pub use self::rules::{Damage, Rule};
use crate::process::PATIENCE;

/// How many connections may wait to be accepted.
const BACKLOG: u32 = 1024;

/// What became of the ordinary crEvents, exactly.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Did {
    /// That came.
    pub came: u64,
    /// That were written to a stream; the second one of a duplicate is not among them.
    pub delivered: u64,
    /// That were answered as if they were delivered, and never were.
    pub dropped: u64,
    /// That were delivered again.
    pub duplicated: u64,
    /// That were delivered behind the one that came after them.
    pub swapped: u64,
    /// That waited for another one to be swapped with until it was given up.
    pub held_in_vain: u64,
    /// That were delivered later than they came, in order.
    pub delayed: u64,
    /// That were delivered with params that nobody had sent.
    pub garbled: u64,
    /// That were refused, by status.
    pub refused: BTreeMap<u16, u64>,
    /// That were answered late.
    pub answered_late: u64,
    /// That never got an answer.
    pub unanswered: u64,
    /// Whose recipient had no stream.
    pub without_recipient: u64,
    /// Streams that were opened.
    pub streams: u64,
    /// Streams whose clientId was not let in.
    pub shut_out: u64,
    /// ClientIds that were given.
    pub client_ids: u64,
}

/// What the test tells it besides its rules.
enum Order {
    /// Ends all streams and connections, and refuses new ones for a while.
    GoAway(Duration),
    Stop,
}

/// The running double. It stops when it is dropped.
pub struct Double {
    pub address: SocketAddr,
    did: Arc<Mutex<Did>>,
    orders: UnboundedSender<Order>,
    thread: Option<JoinHandle<()>>,
}

impl Double {
    /// One that relays everything as it should.
    pub fn honest() -> Double {
        Double::start(Vec::new(), Vec::new())
    }

    /// One that does this damage.
    pub fn that(rules: impl IntoIterator<Item = Rule>) -> Double {
        Double::start(rules.into_iter().collect(), Vec::new())
    }

    /// One that serves no stream to these clientIds.
    pub fn that_shuts_out(client_ids: &[&str]) -> Double {
        Double::start(Vec::new(), client_ids.iter().map(|&id| id.to_owned()).collect())
    }

    fn start(rules: Vec<Rule>, shut_out: Vec<String>) -> Double {
        let did = Arc::<Mutex<Did>>::default();
        let (orders, ordered) = unbounded_channel();
        let (say, heard) = mpsc::channel();
        let (written, order) = (Arc::clone(&did), orders.clone());
        let thread = thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            LocalSet::new().block_on(&runtime, async move {
                let port = Port::take();
                let listener = port.listen();
                say.send(port.address).unwrap();
                let relay = Rc::new(RefCell::new(Relay::new(rules, shut_out, written, order)));
                serve(&port, listener, relay, ordered).await;
            });
        });
        Double { address: heard.recv().unwrap(), did, orders, thread: Some(thread) }
    }

    /// The address for `--server`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it did until now.
    pub fn did(&self) -> Did {
        self.did.lock().unwrap().clone()
    }

    /// Waits until it did this.
    pub fn wait_until(&self, what: &str, done: impl Fn(&Did) -> bool) -> Did {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let did = self.did();
            if done(&did) {
                return did;
            }
            assert!(Instant::now() < deadline, "waited in vain for {what}: {did:?}");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// It goes away for so long, and comes back at the same address, without any memory of its streams.
    pub fn goes_away(&self, length: Duration) {
        self.orders.send(Order::GoAway(length)).unwrap();
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        let _ = self.orders.send(Order::Stop);
        let ended = self.thread.take().map(JoinHandle::join);
        if thread::panicking() {
            println!("what the double did: {:?}", self.did());
        } else {
            assert!(matches!(ended, Some(Ok(()))), "the double failed");
        }
    }
}

/// A free port, kept for as long as the double lives, also while nobody listens.
struct Port {
    address: SocketAddr,
    _keep: TcpSocket,
}

impl Port {
    fn take() -> Port {
        let keep = Port::bound(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        Port { address: keep.local_addr().unwrap(), _keep: keep }
    }

    /// A socket that only holds its address: connections to it are refused until it listens.
    fn bound(address: SocketAddr) -> TcpSocket {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(address).unwrap();
        socket
    }

    fn listen(&self) -> TcpListener {
        Port::bound(self.address).listen(BACKLOG).unwrap()
    }
}

/// Accepts connections until it is to stop.
async fn serve(
    port: &Port,
    mut listener: TcpListener,
    relay: Rc<RefCell<Relay>>,
    mut ordered: UnboundedReceiver<Order>,
) {
    let mut connections = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted.unwrap();
                stream.set_nodelay(true).unwrap();
                connections.spawn_local(http::answer(stream, Rc::clone(&relay)));
            }
            Some(ended) = connections.join_next() => ended.unwrap(),
            order = ordered.recv() => match order {
                Some(Order::GoAway(length)) => {
                    drop(listener);
                    connections.shutdown().await;
                    relay.borrow_mut().forget();
                    let is_back = tokio::time::timeout(length, ordered.recv()).await.is_err();
                    if !is_back {
                        return;
                    }
                    listener = port.listen();
                }
                Some(Order::Stop) | None => return,
            },
        }
    }
}
