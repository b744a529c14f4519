//! Somebody who should not be there: knocks at others' clientIds, pings them, speaks in their name.

use super::client::Machines;
use super::network::Network;
use super::random::Random;
use super::world::World;
use crate::protocol::action::{Message, Post, StreamNo};
use crate::protocol::event::{CrEvent, Rejection};
use crate::protocol::ids::{AccessToken, AppId, ClientId, Credentials, InvalidId, Pid, Role, User};
use crate::protocol::time::Millis;

/// A stranger: a client of each role that never runs a crSocket, but makes whatever requests it likes.
#[derive(Debug)]
pub(super) struct Stranger {
    clients: Vec<usize>,
    token: AccessToken,
    own_id: Option<ClientId>,
    streams: u32,
}

impl Stranger {
    /// How many clients it takes, if it is there.
    pub(super) const CLIENTS: usize = 2;

    pub(super) fn new(world: &mut World, app: &AppId) -> Result<Stranger, InvalidId> {
        let clients = [Role::Controller, Role::Responder].map(|role| {
            let client = world.add(app, Machines::ours(role));
            *world.network(client) = Network { delay: Millis(30), ..Network::default() };
            client
        });
        let token = AccessToken::parse("stranger")?;
        Ok(Stranger { clients: clients.to_vec(), token, own_id: ClientId::from_number(666_000), streams: 0 })
    }

    /// Who it is.
    pub(super) fn user(&self) -> User {
        User::Token(self.token.clone())
    }

    /// Makes one request, at somebody's expense.
    pub(super) fn act(&mut self, world: &mut World, victims: usize, random: &mut Random) {
        let victim = random.below(victims);
        let (Some(&client), Some(own), Some(id)) =
            (random.one_of(&self.clients), self.own_id, world.client_id(victim))
        else {
            return;
        };
        let partner = world.client(victim).machines.partner().unwrap_or(own);
        match random.below(6) {
            // Knocks.
            0 => self.open(world, client, id),
            // Has a stream of its own, so that it may ping.
            1 => self.open(world, client, own),
            // Says something as itself.
            2 | 3 => self.send(world, client, own, id, random),
            // Says something in the name of the victim's partner, or of the victim.
            4 => self.send(world, client, partner, id, random),
            _ => self.close(world, client, id, random),
        }
    }

    fn open(&mut self, world: &mut World, client: usize, client_id: ClientId) {
        self.streams += 1;
        let credentials = Credentials { client_id, access_token: self.token.clone() };
        world.request_stream(client, StreamNo(self.streams), credentials);
    }

    fn send(&self, world: &mut World, client: usize, as_id: ClientId, to: ClientId, random: &mut Random) {
        let event = match random.below(4) {
            0 => CrEvent::ping(),
            1 => CrEvent::inactive(),
            2 => CrEvent::unassign(),
            _ => CrEvent::reject(&Rejection::NotPaired),
        };
        let credentials = Credentials { client_id: as_id, access_token: self.token.clone() };
        let message = Message::CrEvent(event);
        world.request(client, Post { credentials, recipient: to, message, request: None });
    }

    /// Tries to close somebody's stream by guessing.
    fn close(&self, world: &mut World, client: usize, victim: ClientId, random: &mut Random) {
        let guess = world.server.session(victim).map(|session| session.pid().number() ^ (random.next() & 1));
        let Some(pid) = guess.and_then(Pid::from_number) else { return };
        let credentials = Credentials { client_id: victim, access_token: self.token.clone() };
        let message = Message::Close(pid);
        world.request(client, Post { credentials, recipient: victim, message, request: None });
    }
}
