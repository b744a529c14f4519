//! From an accepted connection to its handler: socket options, TLS, the version of HTTP.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_http::{HttpService, KeepAlive, Protocol};
use actix_rt::net::TcpStream;
use actix_service::{ServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_tls::accept::rustls_0_23::{Acceptor, TlsStream};
use actix_web::dev::AppConfig;
use actix_web::middleware::Condition;
use actix_web::{App, web};
use rustls::ServerConfig;
use socket2::SockRef;

use super::connection::{Connection, Cutter, OpenConnections};
use super::cors::cors;
use super::site::Site;
use super::throttle::Throttle;
use crate::actors::output::Connection as _;
use crate::metrics::Counter;

/// The longest time from the first byte of a request to the end of its head, and to the first byte of a connection.
const HEAD_DT: Duration = Duration::from_secs(10);

/// The longest time that a TLS handshake may take.
const HANDSHAKE_DT: Duration = Duration::from_secs(10);

/// A connection gathers this much of a response before it is flushed, in bytes.
const WRITE_BUFFER: usize = 8 * 1024;

/// What the system holds for a peer that does not read, in bytes (it takes twice of it for its own book-keeping). Left
/// to itself it would hold megabytes, beyond every bound of the rules.
const SEND_BUFFER: usize = 128 * 1024;

/// What a listener needs to serve a site.
#[derive(Clone, Debug)]
pub struct Listener {
    /// What is served.
    pub site: web::Data<Site>,
    /// Counts the connections.
    pub open: OpenConnections,
    /// How many connections there may be.
    pub max_connections: usize,
    /// How long a connection stays open for a next request.
    pub keep_alive: Duration,
    /// After how long a peer that confirms nothing counts as gone (section 4, Ends).
    pub user_timeout: Duration,
}

/// A connection, how it speaks, and with whom.
type Accepted<IO> = (IO, Protocol, Option<SocketAddr>);

impl Listener {
    /// Serves cleartext connections, HTTP/1.1 or HTTP/2 as the client begins.
    pub fn cleartext(
        &self,
    ) -> impl ServiceFactory<TcpStream, Config = (), Response = (), Error = io::Error, InitError = ()> + use<>
    {
        let listener = self.clone();
        let accept = fn_service(move |tcp: TcpStream| {
            let connection = listener.prepare(tcp);
            let listener = listener.clone();
            async move {
                let peer = connection.peer();
                let protocol = connection.protocol(HEAD_DT).await?;
                if protocol == Protocol::Http2 {
                    listener.watch_idle(&connection.cutter());
                }
                Ok::<Accepted<Connection>, io::Error>((connection, protocol, peer))
            }
        });
        let http = self.http(|connection: &Connection| connection.cutter());
        accept.and_then(http)
    }

    /// Serves TLS connections, HTTP/1.1 or HTTP/2 as ALPN says.
    pub fn tls(
        &self,
        config: &Arc<ServerConfig>,
    ) -> impl ServiceFactory<TcpStream, Config = (), Response = (), Error = io::Error, InitError = ()> + use<>
    {
        let listener = self.clone();
        let mut acceptor = Acceptor::new(ServerConfig::clone(config));
        acceptor.set_handshake_timeout(HANDSHAKE_DT);
        let accept = fn_service(move |tcp: TcpStream| {
            let connection = listener.prepare(tcp);
            async move { Ok::<Connection, io::Error>(connection) }
        });
        let shake = acceptor.map_err(|error| io::Error::other(format!("TLS handshake: {error:?}")));
        let listener = self.clone();
        let choose = fn_service(move |io: TlsStream<Connection>| {
            let (connection, session) = io.get_ref();
            let peer = connection.peer();
            let protocol = match session.alpn_protocol() {
                Some(b"h2") => Protocol::Http2,
                Some(_) | None => Protocol::Http1,
            };
            if protocol == Protocol::Http2 {
                listener.watch_idle(&connection.cutter());
            }
            async move { Ok::<Accepted<TlsStream<Connection>>, io::Error>((io, protocol, peer)) }
        });
        let http = self.http(|io: &TlsStream<Connection>| io.get_ref().0.cutter());
        accept.and_then(shake).and_then(choose).and_then(http)
    }

    /// Speaks HTTP over such connections.
    fn http<IO>(
        &self,
        cutter: fn(&IO) -> Arc<Cutter>,
    ) -> impl ServiceFactory<Accepted<IO>, Config = (), Response = (), Error = io::Error, InitError = ()> + use<IO>
    where
        IO: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + 'static,
    {
        let app = App::new()
            .app_data(self.site.clone())
            .wrap(Condition::new(self.site.has_cors, cors(self.site.clone())))
            .default_service(web::to(super::answer));
        HttpService::build()
            .keep_alive(KeepAlive::from(self.keep_alive))
            .client_request_timeout(HEAD_DT)
            .client_disconnect_timeout(Duration::from_secs(1))
            // An idle event stream would outlive its client (HTTP/1).
            .h1_allow_half_closed(false)
            .h1_write_buffer_size(WRITE_BUFFER)
            .on_connect_ext(move |io: &IO, data| {
                data.insert(cutter(io));
            })
            .finish(map_config(app, |()| AppConfig::default()))
            .map_err(|error| io::Error::other(error.to_string()))
    }

    /// Sets the options of a socket.
    fn prepare(&self, tcp: TcpStream) -> Connection {
        // A socket that takes no option is served without; it cannot be told to anybody who could help.
        let _ = tcp.set_nodelay(true);
        let _ = SockRef::from(&tcp).set_send_buffer_size(SEND_BUFFER);
        #[cfg(target_os = "linux")]
        let _ = SockRef::from(&tcp).set_tcp_user_timeout(Some(self.user_timeout));
        if self.open.count() + 1 >= self.max_connections {
            static WARNED: Throttle = Throttle::new();
            self.site.counters.count(Counter::ConnectionsFull);
            if WARNED.says() {
                log::warn!("server.max_connections is reached; whoever comes now waits to be accepted");
            }
        }
        Connection::new(tcp, self.open.clone())
    }

    /// Ends a connection on which nothing is asked. HTTP/1 has its own times for that, HTTP/2 none for who answers pings.
    fn watch_idle(&self, cutter: &Arc<Cutter>) {
        let (cutter, counters) = (Arc::downgrade(cutter), Arc::clone(&self.site.counters));
        let period = self.keep_alive.max(Duration::from_secs(1));
        actix_rt::spawn(async move {
            let mut begun = None;
            loop {
                tokio::time::sleep(period).await;
                let Some(cutter) = cutter.upgrade() else { return };
                if cutter.is_idle() && begun == Some(cutter.begun()) {
                    counters.count(Counter::IdleConnections);
                    return cutter.cut();
                }
                begun = Some(cutter.begun());
            }
        });
    }
}
