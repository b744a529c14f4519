//! CRSocket (Controller-Responder Socket): pairs a tester's controller with a participant's responder over a
//! monitored channel.
//!
//! A program hosts crSockets like this: a server of its own, a responder that answers, a controller that says hello.
//!
//! ```
//! use actix::prelude::*;
//! use crsocket::actors::echo::{Echo, Observes};
//! use crsocket::actors::host::{CrSocketBuilder, Host, HostSettings, Server, SocketHandle};
//! use crsocket::actors::messages::{News, SocketEvent};
//! use crsocket::actors::registry::{Registry, RegistrySettings};
//! use crsocket::client_id_store::ephemeral;
//! use crsocket::protocol::action::Notice;
//! use crsocket::protocol::event::{CrEvent, EventKind};
//! use crsocket::protocol::ids::{AccessToken, AppId, ClientId, Role};
//! use crsocket::protocol::policy::{App, Apps};
//! use crsocket::protocol::socket::State;
//! use tokio::sync::oneshot;
//!
//! /// The enclosing client of the controller: is told by its crSocket what happens.
//! struct Tester {
//!     socket: SocketHandle,
//!     answer: Option<oneshot::Sender<CrEvent>>,
//! }
//!
//! impl Actor for Tester {
//!     type Context = Context<Tester>;
//! }
//!
//! impl Handler<SocketEvent> for Tester {
//!     type Result = ();
//!
//!     fn handle(&mut self, event: SocketEvent, _: &mut Context<Tester>) {
//!         match event.news {
//!             News::Notice(Notice::State { to: State::Interacting, .. }) => {
//!                 let hello = CrEvent::new("hello", "").and_then(|hello| hello.with_params(["How are you?"]));
//!                 self.socket.send(hello.unwrap());
//!             }
//!             News::Notice(Notice::CrEvent(event)) if event.kind() == EventKind::Ordinary => {
//!                 self.answer.take().map(|answer| answer.send(event));
//!             }
//!             _ => {}
//!         }
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! System::new().block_on(async {
//!     let app = AppId::parse("demo")?;
//!     let token = AccessToken::parse("alice")?;
//!     let registry =
//!         Registry::start(RegistrySettings::new(Apps::new().with(app.clone(), App::default()), ephemeral()?));
//!     // A server elsewhere would be Server::Http(HttpServer::new("https://example.org")?).
//!     let host = Host::start(HostSettings::new(Server::Local(registry)));
//!
//!     let echo = Echo::default().start();
//!     let responder = CrSocketBuilder::new(app.clone(), Role::Responder)
//!         .client_id(ClientId::parse("482913")?)
//!         .access_token(token.clone())
//!         .observer(echo.clone().recipient());
//!     echo.do_send(Observes(host.spawn(responder)));
//!
//!     let (answer, answered) = oneshot::channel();
//!     Tester::create(|context| {
//!         let controller = CrSocketBuilder::new(app, Role::Controller)
//!             .access_token(token)
//!             .partner(ClientId::from_number(482_913).unwrap())
//!             .observer(context.address().recipient());
//!         Tester { socket: host.spawn(controller), answer: Some(answer) }
//!     });
//!
//!     assert_eq!(*answered.await?.params, ["How are you?".into()]);
//!     assert_eq!(host.stop(std::time::Duration::from_secs(5)).await, 0);
//!     Ok(())
//! })
//! # }
//! ```
//!
//! # Reading order
//!
//! [`protocol`] holds every rule as plain, deterministic Rust; in it [`protocol::wired::WiredSocket`] is a whole crSocket,
//! [`protocol::sessions::SessionTable`] a whole server's rules. [`check`] runs them against each other in virtual time.
//! [`actors`] are the shells around them: [`actors::registry`] serves, [`actors::host`] hosts crSockets. [`http`] and
//! [`server`] serve them to browsers.

pub mod actors;
pub mod admin;
pub mod apps;
pub mod check;
pub mod check_command;
pub mod cli;
pub mod client_id_store;
pub mod config;
pub mod config_command;
pub mod demo;
pub mod file_watch;
pub mod http;
pub mod load;
pub mod load_command;
pub mod metrics;
mod open_files;
pub mod practice;
pub mod problem;
pub mod protocol;
pub mod server;
pub mod simulate;
pub mod simulate_command;
pub mod top;
pub mod web;

/// The README's examples run as tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
