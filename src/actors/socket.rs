//! A crSocket, as an actor (section 7). It owns its two children and starts them anew should one die.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use actix::{
    Actor, ActorContext, Addr, AsyncContext, Context, Handler, Recipient, ResponseFuture, SpawnHandle,
};

use super::board::{Place, StateName};
use super::clock::duration;
use super::counted::Counted;
use super::details::SocketDetails;
use super::feed::Who;
use super::guard::{Child, Family};
use super::link::{Ends, Link};
use super::messages::{
    ChildGone, GetDetails, GetReceiverDetails, GetSenderDetails, Life, News, Remove, SendCrEvent,
    SendInPlace, SetFact, SocketEvent, StopChild, Told, Vanish,
};
use super::outlet::Outlet;
use super::receiver::EventReceiver;
use super::recent::{EventType, What};
use super::sender::EventSender;
use super::shared::Shared;
use super::timers::{HasTimers, Timers};
use crate::metrics::Counter;
use crate::protocol::action::{Notice, SocketAction, WhyDropped};
use crate::protocol::event::EventKind;
use crate::protocol::ids::{AppId, Assigned, ClientId, Role};
use crate::protocol::receiver;
use crate::protocol::socket::{ClientFacts, Input, Socket};
use crate::protocol::time::{Millis, TimerKind};

/// How long a crSocket whose child died waits before it starts anew: what kills it may do so again at once.
const RESET_DT: Duration = Duration::from_secs(1);

/// One crSocket.
#[derive(Debug)]
pub struct CrSocket {
    machine: Socket,
    family: Rc<Family>,
    /// Whether the observer is told of pings.
    tells_pings: bool,
    _counted: Counted,
    timers: Timers,
    standing: Standing,
    /// The timer after which it begins anew.
    begins: Option<SpawnHandle>,
}

/// What a crSocket is made with.
#[derive(Debug)]
pub(super) struct Birth {
    pub(super) place: Place,
    pub(super) app: AppId,
    pub(super) role: Role,
    pub(super) facts: Facts,
    pub(super) observer: Option<Recipient<SocketEvent>>,
    pub(super) tells_pings: bool,
    pub(super) counted: Counted,
}

/// All that an enclosing client has set.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    pub(super) client: ClientFacts,
    pub(super) partner: Assigned<ClientId>,
}

/// How a crSocket stands.
#[derive(Debug)]
enum Standing {
    /// It has not been given its first facts, or those it had before its child died.
    Beginning(Box<Facts>),
    /// It lives.
    Living,
    /// It was removed: it says goodbye and stops.
    Leaving,
    /// It stops because it was removed.
    Gone,
}

impl CrSocket {
    /// Makes it in this context, with its children.
    pub(super) fn new(
        birth: Birth,
        link: &Link,
        shared: &Rc<Shared>,
        context: &mut Context<CrSocket>,
    ) -> CrSocket {
        let Birth { place, app, role, facts, observer, tells_pings, counted } = birth;
        let outlet = Rc::new(Outlet::new(place, observer));
        let family = hatch(context.address(), (app, role), link, shared, outlet, Life::default());
        CrSocket {
            machine: Socket::new(role),
            family,
            tells_pings,
            _counted: counted,
            timers: Timers::default(),
            standing: Standing::Beginning(Box::new(facts)),
            begins: None,
        }
    }

    fn take(&mut self, input: Input, context: &mut Context<CrSocket>) {
        let shared = Rc::clone(&self.family.shared);
        let mut actions = shared.room.socket.take();
        let step = shared.step();
        self.machine.handle(input, &step, &mut actions);
        for action in actions.drain(..) {
            self.perform(action, step.now, context);
        }
        shared.room.socket.set(actions);
    }

    fn perform(&mut self, action: SocketAction, now: Millis, context: &mut Context<CrSocket>) {
        match action {
            SocketAction::Receiver(input) => self.family.ends.receiver.do_send(input),
            SocketAction::Sender(input) => self.family.ends.sender.do_send(input),
            SocketAction::SendLine(input) => self.family.ends.sender.do_send(input),
            SocketAction::RequestClientId => self.family.link.request_client_id(self.family.key),
            SocketAction::Notify(notice) => self.notify(notice),
            SocketAction::SetTimer { timer, after } => Timers::set(self, timer, after, now, context),
            SocketAction::CancelTimer(timer) => self.timers.cancel(timer),
        }
    }

    /// Tells the board and the enclosing client.
    fn notify(&self, mut notice: Notice) {
        let place = &self.family.outlet.place;
        match &mut notice {
            Notice::State { from, to } => {
                place.publish(self.machine.state(), self.machine.partner());
                let (from, to) = (StateName::of(from), StateName::of(to));
                log::trace!("crSocket {}: {from} -> {to}", place.id());
                let at = self.family.shared.calendar();
                place.publish_since(at.unwrap_or(0));
                if from.is_interacting() || to.is_interacting() {
                    place.publish_apart(at.filter(|_| from.is_interacting()));
                }
                self.record_at(at, What::Changed { from, to });
            }
            Notice::Partner(_) => place.publish(self.machine.state(), self.machine.partner()),
            Notice::ClientId(id) => place.publish_client_id(Some(*id)),
            Notice::CrEvent(event) => {
                event.receive_ct = self.family.shared.calendar();
                place.count_received();
                if event.kind() != EventKind::Ping {
                    let what = What::Received(EventType::new(&event.event_type));
                    self.record_event(event.receive_ct, what, Some(&event.params));
                } else if !self.tells_pings {
                    return;
                }
            }
            // The EventSender tells them itself.
            Notice::Fate { .. } => {}
        }
        self.family.outlet.tell(News::Notice(notice));
    }

    fn record(&self, what: What) {
        self.record_at(self.family.shared.calendar(), what);
    }

    fn record_at(&self, at: Option<i64>, what: What) {
        self.record_event(at, what, None);
    }

    /// The same, of a crEvent with these params.
    fn record_event(&self, at: Option<i64>, what: What, params: Option<&[Box<str>]>) {
        self.family.outlet.record(&self.family.shared, at, what, || self.who(), params);
    }

    fn who(&self) -> Who {
        Who {
            app: self.family.ends.app.clone(),
            role: self.machine.role(),
            client_id: self.machine.client().client_id.valid().copied(),
            partner: self.machine.partner(),
            state: StateName::of(self.machine.state()),
        }
    }

    fn set(&mut self, fact: SetFact, context: &mut Context<CrSocket>) {
        if let Standing::Beginning(facts) = &mut self.standing {
            facts.set(fact);
            return;
        }
        let is_client_id = matches!(fact, SetFact::ClientId(_));
        self.take(input_of(fact), context);
        if is_client_id {
            self.family.outlet.place.publish_client_id(self.machine.client().client_id.valid().copied());
        }
    }

    /// Gives it the facts that wait for its beginning.
    fn begin(&mut self, context: &mut Context<CrSocket>) {
        let standing = std::mem::replace(&mut self.standing, Standing::Living);
        let Standing::Beginning(facts) = standing else {
            self.standing = standing;
            return;
        };
        for fact in facts.all() {
            self.set(fact, context);
        }
    }

    /// A child died: all three start anew, nothing else is touched.
    fn reset(&mut self, child: Child, context: &mut Context<CrSocket>) {
        log::error!(
            "the {child:?} of crSocket {} died; the crSocket is reset",
            self.family.outlet.place.id()
        );
        self.family.shared.host.counters.count(Counter::SocketsReset);
        self.family.outlet.place.count_reset();
        self.record(What::Reset);
        self.family.outlet.tell(News::Reset);
        let role = self.machine.role();
        let facts = match std::mem::replace(&mut self.standing, Standing::Living) {
            // It had not been given them again yet.
            Standing::Beginning(facts) => facts,
            Standing::Living | Standing::Leaving | Standing::Gone => {
                let client = self.machine.client().clone();
                Box::new(Facts { client, partner: self.machine.partner_that_was_set() })
            }
        };
        self.give_up_family();
        self.timers.cancel_all();
        let gone = Rc::clone(&self.family);
        gone.outlet.end_all(WhyDropped::Reset);
        let life = Life(gone.ends.life.0.wrapping_add(1));
        gone.outlet.set_life(Some(life));
        let of = (gone.ends.app.clone(), role);
        self.family = hatch(context.address(), of, &gone.link, &gone.shared, Rc::clone(&gone.outlet), life);
        let old = std::mem::replace(&mut self.machine, Socket::new(role));
        if old.partner().is_some() {
            self.notify(Notice::Partner(None));
        }
        if old.state() != self.machine.state() {
            let (from, to) = (old.state().clone(), self.machine.state().clone());
            self.notify(Notice::State { from, to });
        }
        self.standing = Standing::Beginning(facts);
        let begins = context.run_later(RESET_DT, CrSocket::begin);
        if let Some(former) = self.begins.replace(begins) {
            context.cancel_future(former);
        }
    }

    /// The children stop at once, and their stream ends.
    fn give_up_family(&self) {
        self.family.link.detach(self.family.key);
        self.family.ends.receiver.do_send(StopChild { at_once: true });
        self.family.ends.sender.do_send(StopChild { at_once: true });
    }

    /// Once its stream is closed, a crSocket that leaves waits only for what its EventSender has to say still.
    fn leave_if_closed(&mut self) {
        if matches!(self.standing, Standing::Leaving)
            && matches!(self.machine.receiver().state, receiver::State::Closed(_))
        {
            self.standing = Standing::Gone;
            self.family.ends.sender.do_send(StopChild { at_once: false });
        }
    }
}

/// The children of a crSocket, which know each other, and are known to the link.
fn hatch(
    socket: Addr<CrSocket>,
    (app, role): (AppId, Role),
    link: &Link,
    shared: &Rc<Shared>,
    outlet: Rc<Outlet>,
    life: Life,
) -> Rc<Family> {
    let (receiver_context, sender_context) = (Context::new(), Context::new());
    let (receiver, sender) = (receiver_context.address(), sender_context.address());
    let ends = Rc::new(Ends { app, role, socket, receiver, sender, life });
    let key = link.attach(Rc::clone(&ends));
    let (link, shared) = (link.clone(), Rc::clone(shared));
    let family = Rc::new(Family { ends, key, link, shared, outlet, sent_at: Cell::default() });
    receiver_context.run(EventReceiver::new(&family));
    sender_context.run(EventSender::new(&family));
    family
}

pub(super) fn input_of(fact: SetFact) -> Input {
    match fact {
        SetFact::Visible(visible) => Input::Visible(visible),
        SetFact::Online(online) => Input::Online(online),
        SetFact::Paused(paused) => Input::Paused(paused),
        SetFact::Unloading(unloading) => Input::Unloading(unloading),
        SetFact::ClientId(id) => Input::ClientId(id),
        SetFact::AccessToken(token) => Input::AccessToken(token),
        SetFact::Partner(partner) => Input::Partner(partner),
    }
}

impl Facts {
    pub(super) fn set(&mut self, fact: SetFact) {
        match fact {
            SetFact::Visible(visible) => self.client.visible = visible,
            SetFact::Online(online) => self.client.online = online,
            SetFact::Paused(paused) => self.client.paused = paused,
            SetFact::Unloading(unloading) => self.client.unloading = unloading,
            SetFact::ClientId(id) => self.client.client_id = id,
            SetFact::AccessToken(token) => self.client.access_token = token,
            SetFact::Partner(partner) => self.partner = partner,
        }
    }

    /// All of them. The clientId comes first: without one, one is asked for. The partner comes before what makes a
    /// crSocket active, so that it becomes paired as it connects.
    pub(super) fn all(self) -> [SetFact; 7] {
        [
            SetFact::ClientId(self.client.client_id),
            SetFact::AccessToken(self.client.access_token),
            SetFact::Partner(self.partner),
            SetFact::Paused(self.client.paused),
            SetFact::Unloading(self.client.unloading),
            SetFact::Online(self.client.online),
            SetFact::Visible(self.client.visible),
        ]
    }
}

impl Actor for CrSocket {
    type Context = Context<CrSocket>;

    fn started(&mut self, context: &mut Context<CrSocket>) {
        let at = self.family.shared.calendar();
        self.family.outlet.place.publish_since(at.unwrap_or(0));
        self.family.outlet.place.publish_apart(at);
        self.record_at(at, What::Spawned);
        self.begin(context);
    }
}

impl Drop for CrSocket {
    fn drop(&mut self) {
        let as_told = matches!(self.standing, Standing::Leaving | Standing::Gone);
        if !as_told {
            log::error!("crSocket {} died", self.family.outlet.place.id());
            self.family.shared.host.counters.count(Counter::SocketsDied);
        }
        self.give_up_family();
        let outlet = &self.family.outlet;
        outlet.set_life(None);
        outlet.end_all(if as_told { WhyDropped::Removed } else { WhyDropped::Reset });
        self.record(What::Removed { from: StateName::of(self.machine.state()) });
        outlet.tell(News::Removed { as_told });
        outlet.place.leave();
    }
}

impl HasTimers for CrSocket {
    fn timers(&mut self) -> &mut Timers {
        &mut self.timers
    }

    fn shared(&self) -> &Shared {
        &self.family.shared
    }

    fn timer_fired(&mut self, timer: TimerKind, context: &mut Context<CrSocket>) {
        self.take(Input::Timer(timer), context);
    }
}

impl Handler<Told> for CrSocket {
    type Result = ();

    fn handle(&mut self, Told { life, input }: Told, context: &mut Context<CrSocket>) {
        if life != self.family.ends.life {
            return;
        }
        if matches!(input, Input::PingLeft { .. }) {
            self.family.outlet.place.count_sent();
        }
        self.take(input, context);
        self.leave_if_closed();
    }
}

impl Handler<SetFact> for CrSocket {
    type Result = ();

    fn handle(&mut self, fact: SetFact, context: &mut Context<CrSocket>) {
        self.set(fact, context);
    }
}

impl Handler<SendCrEvent> for CrSocket {
    type Result = ();

    fn handle(&mut self, message: SendCrEvent, context: &mut Context<CrSocket>) {
        let SendCrEvent { ticket, event } = message;
        self.family.outlet.open(ticket, &event, self.family.shared.host.feed.wants_params());
        self.take(Input::Send { ticket, event }, context);
    }
}

impl Handler<SendInPlace> for CrSocket {
    type Result = ();

    fn handle(&mut self, SendInPlace { event, tell }: SendInPlace, context: &mut Context<CrSocket>) {
        let with_params = self.family.shared.host.feed.wants_params();
        let ticket = self.family.outlet.open_in_place(&event, with_params, tell);
        self.take(Input::Send { ticket, event }, context);
    }
}

impl Handler<GetDetails> for CrSocket {
    type Result = ResponseFuture<Option<SocketDetails>>;

    fn handle(&mut self, _: GetDetails, _: &mut Context<CrSocket>) -> Self::Result {
        let now = self.family.shared.now();
        let (machine, family) = (&self.machine, Rc::clone(&self.family));
        let role = machine.role();
        let (client, state) = (machine.client().clone(), machine.state().clone());
        let facts = machine.sender();
        let (partner, rejection) = (facts.partner.clone(), facts.rejection.clone());
        let partner_silent = machine.heard_of_partner().map(|at| now - at);
        let timers = self.timers.due_in(now);
        Box::pin(async move {
            let receiver = family.ends.receiver.send(GetReceiverDetails).await.ok()?;
            let sender = family.ends.sender.send(GetSenderDetails).await.ok()?;
            Some(SocketDetails {
                role,
                client,
                partner,
                rejection,
                state,
                partner_silent,
                timers,
                receiver,
                sender,
            })
        })
    }
}

impl Handler<ChildGone> for CrSocket {
    type Result = ();

    fn handle(&mut self, gone: ChildGone, context: &mut Context<CrSocket>) {
        let is_over = matches!(self.standing, Standing::Leaving | Standing::Gone);
        if gone.life != self.family.ends.life {
            return;
        }
        if is_over {
            // Its EventSender has said all there was to say; or died, and there is nothing to say any more.
            self.standing = Standing::Gone;
            context.stop();
        } else if !gone.was_told {
            self.reset(gone.child, context);
        }
    }
}

impl Handler<Remove> for CrSocket {
    type Result = ();

    fn handle(&mut self, _: Remove, context: &mut Context<CrSocket>) {
        match self.standing {
            Standing::Leaving | Standing::Gone => return,
            Standing::Beginning(_) => {
                self.standing = Standing::Gone;
                context.stop();
                return;
            }
            Standing::Living => self.standing = Standing::Leaving,
        }
        let timing = &self.family.shared.host.timing;
        // As long as a goodbye may take to be answered, behind a stream that may take its time to close.
        let most = timing.server_interaction_complete_dt + timing.send_answer_dt;
        context.run_later(duration(most), |socket, context| {
            socket.standing = Standing::Gone;
            context.stop();
        });
        self.take(Input::Unloading(true), context);
        self.leave_if_closed();
    }
}

impl Handler<Vanish> for CrSocket {
    type Result = ();

    fn handle(&mut self, _: Vanish, context: &mut Context<CrSocket>) {
        self.standing = Standing::Gone;
        context.stop();
    }
}
