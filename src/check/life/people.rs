//! Who sits before the clients, and what they do.

use super::{FASTEST, Life};
use crate::check::client::Machines;
use crate::check::network::Network;
use crate::check::plan::{LONG, Trouble, What};
use crate::check::random::Random;
use crate::check::users::{MISSHAPEN, REFUSED, renewed};
use crate::protocol::action::Ticket;
use crate::protocol::event::CrEvent;
use crate::protocol::ids::{AccessToken, AppId, Assigned, ClientId, Role};
use crate::protocol::socket::Input;
use crate::protocol::time::Millis;

/// How long what a device hears after a sleep may be older than it knows (it notices only a timer that is 5 s late).
const OLD_AFTER_SLEEP: Millis = Millis(32_000);

/// How much too fast or too slow clocks are, in parts of 2^20 (about millionths).
const RATES: [i64; 6] = [0, 20, 100, 300, 1_000, FASTEST];

/// How long a server that is stopping goes on answering, at least and at most.
const SHORTEST_STOP: Millis = Millis(200);
const LONGEST_STOP: Millis = Millis(2_000);

/// Who sits before a client.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) app: AppId,
    pub(super) role: Role,
    token: AccessToken,
    /// The other client of the pair.
    pub(super) partner: usize,
}

impl Life<'_> {
    pub(super) fn add_person(&mut self, app: &AppId, role: Role, token: &AccessToken, partner: usize) {
        let client = self.world.add(app, self.machines(self.people.len(), role));
        self.people.push(Person { app: app.clone(), role, token: token.clone(), partner });
        self.world.client_mut(client).calendar_offset =
            self.random.between(Millis(-90_000), Millis(90_000)).0;
        let rate = *self.random.one_of(&RATES).unwrap_or(&0);
        self.world.client_mut(client).clock.rate = if self.random.chance(500) { rate } else { -rate };
        *self.world.network(client) = self.calm_network(client);
        self.enter_page(client, None);
    }

    /// Each client has its own delay, and some jitter, both within the longest of the life.
    pub(super) fn calm_network(&self, client: usize) -> Network {
        let name = u64::try_from(client).unwrap_or(0).wrapping_add(1_000);
        let mut random = Random::new(self.plan.scenario.seed).fork(name);
        let delay = random.between(Millis(5), self.plan.delay);
        Network { delay, jitter: self.plan.delay - delay, ..Network::default() }
    }

    fn machines(&self, client: usize, role: Role) -> Machines {
        if self.is_browser(client) { Machines::browser(role) } else { Machines::ours(role) }
    }

    pub(super) fn is_browser(&self, client: usize) -> bool {
        self.plan.browsers.get(client).copied().unwrap_or(false)
    }

    /// The page is there: it is given what it keeps in its storage.
    fn enter_page(&mut self, client: usize, id: Option<ClientId>) {
        let Some(person) = self.people.get(client) else { return };
        let token = Assigned::Valid(person.token.clone());
        self.world.tell(client, Input::ClientId(id.into()));
        self.world.tell(client, Input::AccessToken(token));
        self.world.tell(client, Input::Visible(true));
        self.world.tell(client, Input::Online(true));
    }

    /// The enclosing client says something of its own.
    pub(super) fn chat(&mut self, client: usize) {
        if self.world.is_asleep(client) {
            return;
        }
        self.tag += 1;
        let Ok(event) = CrEvent::new("chat", "").and_then(|event| event.with_params([self.tag.to_string()]))
        else {
            return;
        };
        let event = if self.random.chance(500) { event.buffered() } else { event };
        self.world.tell(client, Input::Send { ticket: Ticket(self.tag), event });
    }

    /// Begins a trouble; says whether it did. Nobody does anything at a device that sleeps.
    pub(super) fn begin(&mut self, trouble: &Trouble) -> bool {
        let client = trouble.client;
        if trouble.what.is_done_by_people() && self.world.is_asleep(client) {
            return false;
        }
        let world = &mut self.world;
        match trouble.what {
            What::RequestsLost(permille) => world.network(client).requests_lost = permille,
            What::AnswersLost(permille) => world.network(client).answers_lost = permille,
            What::NoConnection => world.network(client).connects = false,
            What::StreamCut => world.cut_stream(client),
            What::HalfOpen => world.network(client).frames_arrive = false,
            What::Ghost => world.network(client).server_notices = false,
            What::Slow(by) => world.network(client).jitter = by,
            What::SlowReader => {
                world.watch.disturb(client, world.now() + trouble.length + OLD_AFTER_SLEEP);
                world.set_reads(client, false);
            }
            What::ServerRestart if trouble.length >= LONG => world.restart_server(trouble.length),
            What::ServerRestart => world.restart_server(trouble.length.min(Millis(8_000))),
            What::ServerStops => {
                let serves_for = trouble.length.clamp(SHORTEST_STOP, LONGEST_STOP);
                let down_for = (trouble.length - serves_for).at_least_zero().min(Millis(8_000));
                world.stop_server(serves_for, down_for);
            }
            What::Recycled => world.recycle(client),
            What::Paused => world.tell(client, Input::Paused(true)),
            What::Hidden => world.tell(client, Input::Visible(false)),
            What::Offline => {
                world.network(client).connects = false;
                world.tell(client, Input::Online(false));
            }
            What::Reloaded { politely } => self.reload(client, politely),
            What::Asleep => {
                world.watch.disturb(client, world.now() + trouble.length + OLD_AFTER_SLEEP);
                world.sleep(client, trouble.length);
            }
            What::WrongPartner => self.assign_wrong_partner(client),
            What::PartnerCleared => {
                if self.is_controller(client) {
                    self.world.tell(client, Input::Partner(Assigned::Nothing));
                }
            }
            What::IdCleared => world.tell(client, Input::ClientId(Assigned::Nothing)),
            What::IdChanged => {
                let other = ClientId::from_number(u32::try_from(self.random.below(1_000_000)).unwrap_or(0));
                world.tell(client, Input::ClientId(other.into()));
            }
            What::TokenChanged => {
                let token = Assigned::parse(Some("other"), AccessToken::parse);
                world.tell(client, Input::AccessToken(token));
            }
            What::TokenRenewed => self.renew_token(client),
            What::TokenCleared => world.tell(client, Input::AccessToken(Assigned::Nothing)),
            What::TokenInvalid => world.tell(client, Input::AccessToken(Assigned::Invalid)),
            What::TokenRefused => {
                let text = if self.random.chance(500) { REFUSED } else { MISSHAPEN };
                let token = Assigned::parse(Some(text), AccessToken::parse);
                world.tell(client, Input::AccessToken(token));
            }
            What::SecondTab => self.open_second_tab(client),
        }
        true
    }

    /// Ends a trouble that lasts; says whether it was one. What people do not end themselves, the calm does.
    pub(super) fn end(&mut self, trouble: &Trouble) -> bool {
        let client = trouble.client;
        if trouble.what.is_done_by_people() && self.world.is_asleep(client) {
            return false;
        }
        let world = &mut self.world;
        match trouble.what {
            What::RequestsLost(_) => world.network(client).requests_lost = 0,
            What::AnswersLost(_) => world.network(client).answers_lost = 0,
            What::NoConnection => world.network(client).connects = true,
            What::HalfOpen => world.network(client).frames_arrive = true,
            What::Ghost => world.network(client).server_notices = true,
            What::Slow(_) => {
                let calm = self.calm_network(client);
                self.world.network(client).jitter = calm.jitter;
            }
            What::SlowReader => world.set_reads(client, true),
            What::Paused => world.tell(client, Input::Paused(false)),
            What::Hidden => world.tell(client, Input::Visible(true)),
            What::Offline => {
                world.network(client).connects = true;
                world.tell(client, Input::Online(true));
            }
            What::WrongPartner | What::PartnerCleared => self.assign_partner(client),
            What::TokenChanged | What::TokenCleared | What::TokenInvalid | What::TokenRefused => {
                self.give_token(client);
            }
            What::Asleep => return !world.is_asleep(client),
            What::StreamCut
            | What::ServerRestart
            | What::ServerStops
            | What::Recycled
            | What::Reloaded { .. }
            | What::IdCleared
            | What::IdChanged
            | What::TokenRenewed
            | What::SecondTab => return false,
        }
        true
    }

    fn reload(&mut self, client: usize, politely: bool) {
        let id = self.world.client_id(client);
        if politely {
            self.world.tell(client, Input::Unloading(true));
        }
        let Some(role) = self.people.get(client).map(|person| person.role) else { return };
        let machines = self.machines(client, role);
        self.world.reload(client, machines);
        self.enter_page(client, id);
        self.assign_partner(client);
    }

    /// A tab that is opened beside another one, and closed soon. A tester may enter the partner there, too.
    fn open_second_tab(&mut self, client: usize) {
        let Some(person) = self.people.get(client).cloned() else { return };
        let id = self.world.client_id(client);
        let tab = self.world.add(&person.app, self.machines(client, person.role));
        *self.world.network(tab) = self.calm_network(tab);
        self.world.tell(tab, Input::ClientId(id.into()));
        self.world.tell(tab, Input::AccessToken(Assigned::Valid(person.token)));
        self.world.tell(tab, Input::Visible(true));
        self.world.tell(tab, Input::Online(true));
        if person.role == Role::Controller && self.random.chance(500) {
            let partner = self.world.client_id(person.partner);
            self.world.tell(tab, Input::Partner(partner.into()));
        }
    }

    /// The tester enters the clientId of somebody else's responder, or of nobody.
    fn assign_wrong_partner(&mut self, client: usize) {
        if !self.is_controller(client) {
            return;
        }
        let anybody = self.random.below(self.people.len());
        let nobody = ClientId::from_number(u32::try_from(self.random.below(1_000_000)).unwrap_or(0));
        let wrong = if self.random.chance(700) { self.world.client_id(anybody) } else { nobody };
        self.world.tell(client, Input::Partner(wrong.into()));
    }

    fn is_controller(&self, client: usize) -> bool {
        self.people.get(client).is_some_and(|person| person.role == Role::Controller)
    }

    /// The tester enters what the responder's page shows.
    pub(super) fn assign_partner(&mut self, client: usize) {
        let Some(person) = self.people.get(client).filter(|person| person.role == Role::Controller) else {
            return;
        };
        let partner = self.world.client_id(person.partner);
        self.world.tell(client, Input::Partner(partner.into()));
    }

    fn renew_token(&mut self, client: usize) {
        self.tag += 1;
        if let Some(person) = self.people.get_mut(client)
            && let Ok(token) = renewed(&person.token, self.tag)
        {
            person.token = token;
            self.give_token(client);
        }
    }

    pub(super) fn give_token(&mut self, client: usize) {
        if let Some(person) = self.people.get(client) {
            let token = Assigned::Valid(person.token.clone());
            self.world.tell(client, Input::AccessToken(token));
        }
    }
}
