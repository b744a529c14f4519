//! An experiment: a controller shows ten words to a hosted responder, one after the other, and measures how long the answer
//! to each takes. `cargo run --release --example ten_trials`
//!
//! Both live in this process, with a server of their own. At a real session the responder is a participant's tablet.

#![allow(clippy::print_stdout, reason = "what a program says is for whoever runs it")]

use std::error::Error;
use std::time::{Duration, Instant};

use actix::{Actor, AsyncContext, Context, Handler, System};
use crsocket::actors::echo::{Echo, Observes};
use crsocket::actors::host::{CrSocketBuilder, Host, HostSettings, Server, SocketHandle};
use crsocket::actors::messages::{News, SocketEvent};
use crsocket::actors::registry::{Registry, RegistrySettings};
use crsocket::client_id_store::ephemeral;
use crsocket::protocol::action::{Fate, Notice};
use crsocket::protocol::event::{CrEvent, EventKind, InvalidEvent};
use crsocket::protocol::ids::{AccessToken, AppId, ClientId, Role};
use crsocket::protocol::policy::{App, Apps};
use crsocket::protocol::socket::State;
use tokio::sync::oneshot;

const WORDS: [&str; 10] =
    ["house", "tree", "Brücke", "sun", "猫", "river", "lamp", "bird", "snow", "bread and butter"];

/// The enclosing client of the controller.
struct Tester {
    socket: SocketHandle,
    trial: usize,
    shown_at: Instant,
    done: Option<oneshot::Sender<Result<(), String>>>,
}

impl Tester {
    /// Shows the word of the present trial.
    fn show(&mut self) {
        let Some(word) = WORDS.get(self.trial) else { return self.end(Ok(())) };
        match show(word) {
            Ok(event) => {
                self.shown_at = Instant::now();
                self.socket.send(event);
            }
            Err(error) => self.end(Err(error.to_string())),
        }
    }

    fn answered(&mut self, event: &CrEvent) {
        println!(
            "trial {:2}: {:?} after {} ms",
            self.trial + 1,
            event.params,
            self.shown_at.elapsed().as_millis()
        );
        self.trial += 1;
        self.show();
    }

    fn end(&mut self, how: Result<(), String>) {
        if let Some(done) = self.done.take() {
            let _ = done.send(how);
        }
    }
}

fn show(word: &str) -> Result<CrEvent, InvalidEvent> {
    CrEvent::new("show", "word")?.with_params([word])
}

impl Actor for Tester {
    type Context = Context<Tester>;
}

impl Handler<SocketEvent> for Tester {
    type Result = ();

    fn handle(&mut self, event: SocketEvent, _: &mut Context<Tester>) {
        match event.news {
            News::Notice(Notice::State { to: State::Interacting, .. }) => self.show(),
            News::Notice(Notice::CrEvent(event)) if event.kind() == EventKind::Ordinary => {
                self.answered(&event);
            }
            // An event that did not arrive would be shown again; here it ends the experiment.
            News::Notice(Notice::Fate { fate, .. }) if fate.is_final() && fate != Fate::Understood => {
                self.end(Err(format!("trial {}: {fate:?}", self.trial + 1)));
            }
            News::Notice(_) | News::Reset | News::Removed { .. } => {}
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    env_logger::init();
    System::new().block_on(run())
}

async fn run() -> Result<(), Box<dyn Error>> {
    let (app, token) = (AppId::parse("words")?, AccessToken::parse("alice")?);
    let apps = Apps::new().with(app.clone(), App::default());
    let registry = Registry::start(RegistrySettings::new(apps, ephemeral()?));
    let host = Host::start(HostSettings::new(Server::Local(registry)));

    let responder_id = ClientId::parse("482913")?;
    let echo = Echo::default().start();
    let responder = CrSocketBuilder::new(app.clone(), Role::Responder)
        .client_id(responder_id)
        .access_token(token.clone())
        .observer(echo.clone().recipient());
    echo.do_send(Observes(host.spawn(responder)));

    let (done, ended) = oneshot::channel();
    Tester::create(|context| {
        let controller = CrSocketBuilder::new(app, Role::Controller)
            .access_token(token)
            .partner(responder_id)
            .observer(context.address().recipient());
        let socket = host.spawn(controller);
        Tester { socket, trial: 0, shown_at: Instant::now(), done: Some(done) }
    });
    ended.await??;
    host.stop(Duration::from_secs(5)).await;
    Ok(())
}
