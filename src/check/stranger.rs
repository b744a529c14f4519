//! Somebody who should not be there: knocks at others' clientIds, pings them, speaks to them and in their name, in
//! every app.

use super::client::Machines;
use super::network::Network;
use super::plan::APPS;
use super::random::Random;
use super::users::user_of;
use super::world::World;
use crate::protocol::action::{Message, Post, StreamNo};
use crate::protocol::event::{CrEvent, Rejection};
use crate::protocol::ids::{AccessToken, AppId, ClientId, Credentials, InvalidId, Pid, Role, User};
use crate::protocol::time::Millis;

/// The first of a stranger's own clientIds.
const FIRST_ID: u32 = 666_000;

/// A stranger: a client of each app and role that never runs a crSocket, but makes whatever requests it likes.
#[derive(Debug)]
pub(super) struct Stranger {
    clients: Vec<(usize, ClientId)>,
    token: AccessToken,
    user: User,
    streams: u32,
    /// Victims whom it does not ping in a calm.
    ///
    /// Existing clients answer every ping, and each answer puts their own ping off (section 9): where the app pairs
    /// anybody, a stranger who pings one of them often enough silences it, and its partner stops waiting. No server can
    /// help that, and section 10 cannot promise it.
    spared: Vec<usize>,
}

impl Stranger {
    /// How many clients it takes, if it is there.
    pub(super) const CLIENTS: usize = 2 * APPS;

    pub(super) fn new(world: &mut World, apps: &[AppId], spared: Vec<usize>) -> Result<Stranger, InvalidId> {
        let mut clients = Vec::new();
        for app in apps {
            for role in [Role::Controller, Role::Responder] {
                let client = world.add(app, Machines::Nobody(role));
                *world.network(client) =
                    Network { delay: Millis(20), jitter: Millis(20), ..Network::default() };
                let number = u32::try_from(clients.len()).unwrap_or(0);
                clients.extend(ClientId::from_number(FIRST_ID + number).map(|own| (client, own)));
            }
        }
        let token = AccessToken::parse("stranger")?;
        Ok(Stranger { clients, user: user_of(&token), token, streams: 0, spared })
    }

    /// Who it is.
    pub(super) fn user(&self) -> &User {
        &self.user
    }

    /// Whether this clientId is its own.
    pub(super) fn has(&self, id: ClientId) -> bool {
        self.clients.iter().any(|(_, own)| *own == id)
    }

    /// Makes one request, at somebody's expense.
    pub(super) fn act(&mut self, world: &mut World, victims: usize, is_calm: bool, random: &mut Random) {
        let victim = random.below(victims);
        let may_ping = !is_calm || !self.spared.contains(&victim);
        let (Some(&(client, own)), Some(id)) = (random.one_of(&self.clients), world.client_id(victim)) else {
            return;
        };
        let partner = world.client(victim).machines.partner().unwrap_or(own);
        match random.below(6) {
            // Knocks.
            0 => self.open(world, client, id),
            // Has a stream of its own, so that it may ping.
            1 => self.open(world, client, own),
            // Says something as itself.
            2 | 3 => self.send(world, client, own, id, may_ping, random),
            // Says something in the name of the victim's partner, or of the victim.
            4 => {
                let name = if random.chance(500) { partner } else { id };
                let to = if random.chance(500) { id } else { partner };
                self.send(world, client, name, to, may_ping, random);
            }
            _ => self.close(world, client, id, random),
        }
    }

    fn open(&mut self, world: &mut World, client: usize, client_id: ClientId) {
        self.streams += 1;
        let credentials = Credentials { client_id, access_token: self.token.clone() };
        world.request_stream(client, StreamNo(self.streams), credentials);
    }

    fn send(
        &self,
        world: &mut World,
        client: usize,
        as_id: ClientId,
        to: ClientId,
        may_ping: bool,
        random: &mut Random,
    ) {
        let event = match random.below(6) {
            0 | 1 if may_ping => CrEvent::ping(),
            2 => CrEvent::inactive(),
            3 => CrEvent::unassign(),
            4 => CrEvent::reject(&Rejection::NotPaired),
            _ => match CrEvent::new("chat", "") {
                Ok(event) => event.buffered(),
                Err(_) => CrEvent::inactive(),
            },
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
