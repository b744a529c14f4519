//! What a crSocket says of itself: to its enclosing client, on the board, to whoever watches.
//!
//! The EventSender says here what becomes of crEvents, as the crSocket says all else: a fate follows from no state of the
//! crSocket, and would pass it only to be handed on.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use actix::Recipient;
use tokio::sync::oneshot;

use super::board::{Place, StateName};
use super::feed::Who;
use super::messages::{Life, News, SocketEvent};
use super::recent::{EventType, Happening, What};
use super::shared::Shared;
use crate::protocol::action::{Fate, Notice, Ticket, WhyDropped};
use crate::protocol::event::CrEvent;
use crate::protocol::ids::AppId;

/// Where a crSocket says what it has to say.
#[derive(Debug)]
pub(super) struct Outlet {
    pub(super) place: Place,
    observer: Option<Recipient<SocketEvent>>,
    /// In which life the crSocket is; none once it is gone.
    life: Cell<Option<Life>>,
    tickets: RefCell<OpenTickets>,
}

/// The crEvents whose fate is not final yet, by their tickets.
#[derive(Debug, Default)]
struct OpenTickets(VecDeque<OpenTicket>);

/// One of them.
#[derive(Debug)]
struct OpenTicket {
    ticket: Ticket,
    event_type: EventType,
    has_left: bool,
    /// Where somebody watches them.
    params: Option<Params>,
    /// Who waits for its first fate, if it was sent in the enclosing client's place.
    tell: Option<oneshot::Sender<Fate>>,
}

/// The params of a crEvent.
type Params = Box<[Box<str>]>;

/// From here on tickets are those of crEvents that were sent in the enclosing client's place.
const IN_PLACE: u64 = 1 << 63;

fn is_in_place(ticket: Ticket) -> bool {
    ticket.0 >= IN_PLACE
}

impl Outlet {
    pub(super) fn new(place: Place, observer: Option<Recipient<SocketEvent>>) -> Outlet {
        let life = Cell::new(Some(Life::default()));
        Outlet { place, observer, life, tickets: RefCell::default() }
    }

    /// Tells the enclosing client.
    pub(super) fn tell(&self, news: News) {
        if let Some(observer) = &self.observer {
            observer.do_send(SocketEvent { socket: self.place.id(), news });
        }
    }

    /// Something happened at this time, with a crEvent of these params if it was one.
    pub(super) fn record(
        &self,
        shared: &Shared,
        at: Option<i64>,
        what: What,
        who: impl Fn() -> Who,
        params: Option<&[Box<str>]>,
    ) {
        let happening = Happening { at: at.unwrap_or(0), socket: self.place.id(), what };
        shared.host.recent.push(happening);
        shared.host.feed.tell(happening, who, params);
    }

    /// A crEvent is to be sent. Its crSocket may die before anything was said about it.
    pub(super) fn open(&self, ticket: Ticket, event: &CrEvent, with_params: bool) {
        self.tickets.borrow_mut().open(ticket, event, with_params, None);
    }

    /// The ticket of a crEvent that is sent in the enclosing client's place.
    pub(super) fn open_in_place(
        &self,
        event: &CrEvent,
        with_params: bool,
        tell: oneshot::Sender<Fate>,
    ) -> Ticket {
        let mut tickets = self.tickets.borrow_mut();
        let last = tickets.0.back().map_or(0, |open| open.ticket.0);
        let ticket = Ticket(last.saturating_add(1).max(IN_PLACE));
        tickets.open(ticket, event, with_params, Some(tell));
        ticket
    }

    /// What became of crEvents in this life, in the order in which it happened. One that leaves as soon as it is accepted has
    /// two fates at once.
    pub(super) fn settle(&self, shared: &Shared, app: &AppId, life: Life, fates: &mut Vec<(Ticket, Fate)>) {
        if self.life.get() != Some(life) {
            fates.clear();
            return;
        }
        let mut fates = fates.drain(..).peekable();
        while let Some((ticket, fate)) = fates.next() {
            let is_last = fates.peek().is_none_or(|(next, _)| *next != ticket);
            let left = self.tickets.borrow_mut().note(ticket, &fate, is_last);
            if let Some((event_type, params)) = left {
                let what = What::Sent(event_type);
                self.record(shared, shared.calendar(), what, || self.who(app), params.as_deref());
            }
            self.tell_fate(ticket, fate);
        }
    }

    /// Nobody has the crEvents any more whose fate is open.
    pub(super) fn end_all(&self, why: WhyDropped) {
        // A panic may have come from in here.
        let Ok(mut tickets) = self.tickets.try_borrow_mut() else { return };
        let open = std::mem::take(&mut tickets.0);
        drop(tickets);
        for OpenTicket { ticket, has_left, .. } in open {
            self.tell_fate(ticket, if has_left { Fate::Unconfirmed } else { Fate::Dropped(why) });
        }
    }

    /// From now on only what becomes of crEvents in this life is said; in none, nothing is.
    pub(super) fn set_life(&self, life: Option<Life>) {
        self.life.set(life);
    }

    fn tell_fate(&self, ticket: Ticket, fate: Fate) {
        if fate == Fate::Sent {
            self.place.count_sent();
        }
        if !is_in_place(ticket) {
            self.tell(News::Notice(Notice::Fate { ticket, fate }));
        }
    }

    /// What its place shows.
    fn who(&self, app: &AppId) -> Who {
        let (state, partner, client_id) = self.place.shown();
        let state = state.unwrap_or(StateName::FIRST);
        Who { app: app.clone(), role: self.place.role(), client_id, partner, state }
    }
}

impl OpenTickets {
    fn open(
        &mut self,
        ticket: Ticket,
        event: &CrEvent,
        with_params: bool,
        tell: Option<oneshot::Sender<Fate>>,
    ) {
        let event_type = EventType::new(&event.event_type);
        let params = with_params.then(|| event.params.clone());
        let open = OpenTicket { ticket, event_type, has_left: false, params, tell };
        match self.find(ticket) {
            Ok(place) => {
                if let Some(former) = self.0.get_mut(place) {
                    *former = open;
                }
            }
            Err(place) => self.0.insert(place, open),
        }
    }

    fn find(&self, ticket: Ticket) -> Result<usize, usize> {
        self.0.binary_search_by_key(&ticket, |open| open.ticket)
    }

    /// A fate, the last one that is known for now or not: who waits for it is told. The type of the event if it leaves now,
    /// and its params.
    fn note(&mut self, ticket: Ticket, fate: &Fate, is_last: bool) -> Option<(EventType, Option<Params>)> {
        let place = self.find(ticket).ok()?;
        let open = self.0.get_mut(place)?;
        if is_last && let Some(tell) = open.tell.take() {
            // Who asked may have gone.
            let _ = tell.send(fate.clone());
        }
        if fate.is_final() {
            self.0.remove(place);
            return None;
        }
        open.has_left = *fate == Fate::Sent;
        open.has_left.then(|| (open.event_type, open.params.take()))
    }
}
