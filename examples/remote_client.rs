//! A client of a server elsewhere: says in which state it is, and prints and answers what its partner sends.
//!
//! `cargo run --release --example remote_client -- http://127.0.0.1:8080 demo demo responder`
//! `cargo run --release --example remote_client -- http://127.0.0.1:8080 demo demo controller 482913`
//!
//! Address, app, accessToken, role; for a controller its partner's clientId. Ctrl-C ends it properly.

#![allow(clippy::print_stdout, reason = "what a program says is for whoever runs it")]

use std::error::Error;
use std::time::Duration;

use actix::{Actor, AsyncContext, Context, Handler, System};
use crsocket::actors::host::{CrSocketBuilder, Host, HostSettings, Server, SocketHandle};
use crsocket::actors::link::http::server::HttpServer;
use crsocket::actors::messages::{News, SocketEvent};
use crsocket::protocol::action::Notice;
use crsocket::protocol::event::{CrEvent, EventKind};
use crsocket::protocol::ids::{AccessToken, AppId, ClientId, Role};

const USAGE: &str = "remote_client ADDRESS APP ACCESS_TOKEN controller|responder [PARTNER]";

/// The enclosing client.
struct Client {
    socket: SocketHandle,
    role: Role,
}

impl Actor for Client {
    type Context = Context<Client>;
}

impl Handler<SocketEvent> for Client {
    type Result = ();

    fn handle(&mut self, event: SocketEvent, _: &mut Context<Client>) {
        match event.news {
            News::Notice(Notice::State { to, .. }) => println!("{} {}", to.as_str(), to.sub_state()),
            News::Notice(Notice::ClientId(id)) => println!("clientId {id}"),
            News::Notice(Notice::Partner(partner)) => println!("partner {partner:?}"),
            News::Notice(Notice::CrEvent(event)) if event.kind() == EventKind::Ordinary => self.got(&event),
            News::Notice(Notice::CrEvent(_)) => {}
            News::Notice(Notice::Fate { ticket, fate }) => println!("event {}: {fate:?}", ticket.0),
            News::Reset => println!("reset"),
            News::Removed { .. } => println!("gone"),
        }
    }
}

impl Client {
    /// A responder answers; a controller has asked.
    fn got(&self, event: &CrEvent) {
        println!("{} {:?}", event.event_type, event.params);
        let answer = CrEvent::new("answer", "").and_then(|answer| answer.with_params(&event.params));
        if let (Role::Responder, Ok(answer)) = (self.role, answer) {
            self.socket.send(answer);
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    env_logger::init();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, app, token, role, partner @ ..] = arguments.as_slice() else { return Err(USAGE.into()) };
    let (app, token, role) = (AppId::parse(app)?, AccessToken::parse(token)?, Role::parse(role)?);
    let mut builder = CrSocketBuilder::new(app, role).access_token(token);
    if let Some(partner) = partner.first() {
        builder = builder.partner(ClientId::parse(partner)?);
    }
    System::new().block_on(run(HttpServer::new(address)?, builder, role))
}

async fn run(server: HttpServer, builder: CrSocketBuilder, role: Role) -> Result<(), Box<dyn Error>> {
    let host = Host::start(HostSettings::new(Server::Http(server)));
    Client::create(|context| Client {
        socket: host.spawn(builder.observer(context.address().recipient())),
        role,
    });
    tokio::signal::ctrl_c().await?;
    host.stop(Duration::from_secs(5)).await;
    Ok(())
}
