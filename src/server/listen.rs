//! Where the server listens: sockets that were handed over, or its own.

use std::io;
use std::net::{SocketAddr, TcpListener};

use listenfd::ListenFd;
use socket2::{Domain, Protocol, SockRef, Socket, Type};

use super::error::ServerError;
use crate::config::Settings;
use crate::http::reach::{Listening, Reach};

/// How many connections to the admin part wait to be accepted.
const ADMIN_BACKLOG: u32 = 128;

/// The sockets that are listened on.
#[derive(Debug, Default)]
pub(super) struct Listeners {
    /// Where HTTP is spoken in cleartext.
    pub(super) cleartext: Vec<TcpListener>,
    /// Where it is spoken by TLS.
    pub(super) tls: Vec<TcpListener>,
}

impl Listeners {
    /// Takes the sockets that were handed over (by systemd, or by a former run), or else opens those that the settings
    /// name. One that was handed over speaks TLS if its port is one of `tls.bind`.
    pub(super) fn open(settings: &Settings) -> Result<Listeners, ServerError> {
        let listeners = match Listeners::inherited(settings)? {
            Some(listeners) => listeners,
            None => Listeners::bound(settings)?,
        };
        if listeners.cleartext.is_empty() && listeners.tls.is_empty() {
            return Err(ServerError::NoListener);
        }
        Ok(listeners)
    }

    /// Where they listen.
    pub(super) fn reach(&self) -> Result<Reach, ServerError> {
        let with = |scheme: &'static str, socket: &TcpListener| {
            let address = socket.local_addr().map_err(ServerError::Serve)?;
            let takes_both = address.is_ipv6() && !SockRef::from(socket).only_v6().unwrap_or(true);
            Ok::<Listening, ServerError>(Listening { scheme, address, takes_both })
        };
        let cleartext = self.cleartext.iter().map(|socket| with("http", socket));
        let tls = self.tls.iter().map(|socket| with("https", socket));
        Ok(Reach::new(cleartext.chain(tls).collect::<Result<Vec<_>, _>>()?))
    }

    fn inherited(settings: &Settings) -> Result<Option<Listeners>, ServerError> {
        let mut handed_over = ListenFd::from_env();
        if handed_over.len() == 0 {
            return Ok(None);
        }
        let tls_ports: Vec<u16> =
            settings.tls.iter().flat_map(|tls| &tls.bind).map(SocketAddr::port).collect();
        let mut listeners = Listeners::default();
        for index in 0..handed_over.len() {
            let taken = handed_over.take_tcp_listener(index).map_err(ServerError::Inherited)?;
            let Some(socket) = taken else { continue };
            let port = socket.local_addr().map_err(ServerError::Inherited)?.port();
            if tls_ports.contains(&port) {
                listeners.tls.push(socket);
            } else {
                listeners.cleartext.push(socket);
            }
        }
        Ok(Some(listeners))
    }

    fn bound(settings: &Settings) -> Result<Listeners, ServerError> {
        let backlog = settings.server.backlog;
        let open = |addresses: &[SocketAddr]| {
            addresses.iter().map(|address| bind(*address, backlog)).collect::<Result<Vec<_>, _>>()
        };
        let tls = settings.tls.as_ref().map_or(&[][..], |tls| &tls.bind);
        Ok(Listeners { cleartext: open(&settings.server.bind)?, tls: open(tls)? })
    }
}

/// The sockets of the admin part.
#[derive(Debug, Default)]
pub(super) struct AdminListeners(pub(super) Vec<TcpListener>);

impl AdminListeners {
    /// Opens those that the settings name. The demo goes on without where another program has them.
    pub(super) fn open(settings: &Settings) -> Result<AdminListeners, ServerError> {
        let mut open = Vec::new();
        for address in &settings.admin.bind {
            match bind(*address, ADMIN_BACKLOG) {
                Ok(socket) => open.push(socket),
                Err(ServerError::AddressInUse { address }) if settings.demo.is_some() => {
                    log::warn!("there is no admin page: another program listens on {address}");
                }
                Err(ServerError::AddressInUse { address }) => {
                    return Err(ServerError::AdminAddressInUse { address });
                }
                Err(error) => return Err(error),
            }
        }
        Ok(AdminListeners(open))
    }
}

fn bind(address: SocketAddr, backlog: u32) -> Result<TcpListener, ServerError> {
    listening(address, backlog).map_err(|source| {
        if source.kind() == io::ErrorKind::AddrInUse {
            ServerError::AddressInUse { address }
        } else {
            ServerError::Listen { address, source }
        }
    })
}

fn listening(address: SocketAddr, backlog: u32) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // After a restart the address is free at once, though connections of the last run linger.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
    Ok(socket.into())
}
