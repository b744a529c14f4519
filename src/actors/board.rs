//! The state board: what each crSocket publishes of itself, and what lists and counts read. Nobody asks a million actors
//! how they are.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use actix::{Addr, WeakAddr};

pub use self::states::StateName;
use super::socket::CrSocket;
use crate::protocol::ids::{AppId, ClientId, Role};
use crate::protocol::socket::{State, WhyPassive};

mod states;
#[cfg(test)]
mod tests;

/// The number of a crSocket on its board: stable, and never given again. (A clientId may change.)
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketId(pub u32);

impl fmt::Display for SocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// How many crSockets have their places together. A page goes when all of them are gone.
const PAGE: u32 = 1_024;

/// The table by socketId.
#[derive(Debug, Default)]
pub struct Board {
    inner: RwLock<Inner>,
    /// How many places are taken.
    live: AtomicUsize,
}

#[derive(Debug, Default)]
struct Inner {
    next: u32,
    pages: Vec<Option<Arc<Page>>>,
    apps: Vec<AppId>,
}

#[derive(Debug)]
struct Page {
    entries: Box<[Entry]>,
    /// Where its actors are reached, by the same places.
    addresses: Mutex<Box<[Option<WeakAddr<CrSocket>>]>>,
    /// How many places were taken and are not free again.
    live: AtomicU32,
}

/// What one crSocket publishes; each field is written by that crSocket alone.
#[derive(Debug, Default)]
struct Entry {
    /// See [`Summary`]; zero where nobody is.
    word: AtomicU64,
    /// When it came into its state, in milliseconds since 1970.
    since: AtomicI64,
    /// Since when it has not been interacting, likewise; zero while it is.
    apart: AtomicI64,
    /// Its clientId plus one; zero is none.
    client_id: AtomicU32,
    sent: AtomicU32,
    received: AtomicU32,
    resets: AtomicU32,
}

/// A crSocket's own place on the board. It is free again when this is dropped, at the latest.
#[derive(Debug)]
pub(super) struct Place {
    id: SocketId,
    page: Arc<Page>,
    board: Arc<Board>,
    app: u16,
    role: Role,
    /// Whether it is free again.
    left: Cell<bool>,
}

/// What the board says of a crSocket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary<App = AppId> {
    /// Its number.
    pub id: SocketId,
    /// Its app.
    pub app: App,
    /// Its role.
    pub role: Role,
    /// Its state.
    pub state: StateName,
    /// When it came into that state, in milliseconds since 1970; zero where the time was not known.
    pub since: i64,
    /// Since when it has not been interacting, likewise; none while it is.
    pub apart_since: Option<i64>,
    /// Its partner, if one is assigned.
    pub partner: Option<ClientId>,
    /// Its clientId, if it has one.
    pub client_id: Option<ClientId>,
    /// How many crEvents of its own left, pings too. It begins anew after 2^32.
    pub sent: u32,
    /// How many crEvents of its partner it got, pings too. It begins anew after 2^32.
    pub received: u32,
    /// How often it was reset because a child died.
    pub resets: u32,
}

impl Board {
    /// A place for one more crSocket.
    pub(super) fn enter(self: &Arc<Board>, app: &AppId, role: Role) -> Place {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        let id = SocketId(inner.next);
        inner.next = inner.next.wrapping_add(1);
        let (page, _) = at(id);
        while inner.pages.len() <= page {
            inner.pages.push(None);
        }
        let page = match inner.pages.get_mut(page) {
            Some(Some(page)) => Arc::clone(page),
            Some(slot) => Arc::clone(slot.insert(Arc::new(Page::new()))),
            None => Arc::new(Page::new()),
        };
        let app = inner.number_of(app);
        page.live.fetch_add(1, Ordering::Relaxed);
        self.live.fetch_add(1, Ordering::Relaxed);
        drop(inner);
        let place = Place { id, page, board: Arc::clone(self), app, role, left: Cell::new(false) };
        place.publish(&State::Passive(WhyPassive::NoClientId), None);
        place
    }

    /// What one crSocket published, if it is there.
    pub fn get(&self, id: SocketId) -> Option<Summary> {
        let (page, place) = at(id);
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        let page = inner.pages.get(page)?.as_ref()?;
        Some(page.entries.get(place)?.read(id, &inner.apps)?.owned())
    }

    /// Up to `most` crSockets, from this number on, in their order.
    pub fn list(&self, from: SocketId, most: usize) -> Vec<Summary> {
        let mut list = Vec::new();
        self.look(from, |summary| {
            if list.len() == most {
                return ControlFlow::Break(());
            }
            list.push(summary.owned());
            ControlFlow::Continue(())
        });
        list
    }

    /// Looks at the crSockets from this number on, in their order, until `look` has seen enough. Who comes and goes
    /// meanwhile waits for nothing.
    pub fn look<T>(
        &self,
        from: SocketId,
        mut look: impl FnMut(Summary<&AppId>) -> ControlFlow<T>,
    ) -> Option<T> {
        let (pages, apps) = self.snapshot();
        let (first, _) = at(from);
        for (number, page) in pages.iter().enumerate().skip(first) {
            let Some(page) = page else { continue };
            let base = u32::try_from(number).unwrap_or(u32::MAX).wrapping_mul(PAGE);
            for (entry, id) in page.entries.iter().zip(base..) {
                let id = SocketId(id);
                let Some(summary) = entry.read(id, &apps).filter(|_| id >= from) else { continue };
                if let ControlFlow::Break(found) = look(summary) {
                    return Some(found);
                }
            }
        }
        None
    }

    fn snapshot(&self) -> (Vec<Option<Arc<Page>>>, Vec<AppId>) {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        (inner.pages.clone(), inner.apps.clone())
    }

    /// How many crSockets there are in each state, by the published names of the states.
    pub fn count_by_state(&self) -> BTreeMap<&'static str, usize> {
        let mut by_state = BTreeMap::new();
        for Count { state, count, .. } in self.count() {
            *by_state.entry(state.state()).or_default() += count;
        }
        by_state
    }

    /// How many crSockets there are of each app, in each role and state; nothing where there are none.
    pub fn count(&self) -> Vec<Count> {
        let (pages, apps) = self.snapshot();
        let mut counts = vec![0_usize; apps.len() * 2 * StateName::ALL];
        for entry in pages.iter().flatten().flat_map(|page| &page.entries) {
            let Some(word) = Word::unpack(entry.word.load(Ordering::Relaxed)) else { continue };
            if let Some(count) = counts.get_mut(word.kind()) {
                *count += 1;
            }
        }
        let kinds = apps.into_iter().flat_map(|app| {
            let roles = [Role::Controller, Role::Responder].into_iter();
            roles.flat_map(move |role| {
                let app = app.clone();
                StateName::all().map(move |state| (app.clone(), role, state))
            })
        });
        let there = kinds.zip(counts).filter(|(_, count)| *count > 0);
        there.map(|((app, role, state), count)| Count { app, role, state, count }).collect()
    }

    /// From now on this crSocket is reached there.
    pub(super) fn note_address(&self, id: SocketId, address: &Addr<CrSocket>) {
        let (page, place) = at(id);
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        let Some(Some(page)) = inner.pages.get(page) else { return };
        let mut addresses = page.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = addresses.get_mut(place) {
            *slot = Some(address.downgrade());
        }
    }

    /// Where a crSocket is reached, if it is there.
    pub(super) fn address(&self, id: SocketId) -> Option<Addr<CrSocket>> {
        let (page, place) = at(id);
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        let page = inner.pages.get(page)?.as_ref()?;
        page.entries.get(place)?.read(id, &inner.apps)?;
        let addresses = page.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        addresses.get(place)?.as_ref()?.upgrade()
    }

    /// How many crSockets there are.
    pub fn len(&self) -> usize {
        self.live.load(Ordering::Relaxed)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A crSocket is gone. Pages that are full and left by all go too.
    fn leave(&self, id: SocketId, page: &Arc<Page>) {
        let (number, _) = at(id);
        self.live.fetch_sub(1, Ordering::Relaxed);
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        if page.live.fetch_sub(1, Ordering::Relaxed) == 1
            && at(SocketId(inner.next)).0 > number
            && let Some(slot) = inner.pages.get_mut(number)
        {
            *slot = None;
        }
    }
}

impl Inner {
    fn number_of(&mut self, app: &AppId) -> u16 {
        let known = self.apps.iter().position(|known| known == app);
        let number = known.unwrap_or_else(|| {
            self.apps.push(app.clone());
            self.apps.len() - 1
        });
        u16::try_from(number).unwrap_or(u16::MAX)
    }
}

impl Page {
    fn new() -> Page {
        let addresses = Mutex::new((0..PAGE).map(|_| None).collect());
        Page { entries: (0..PAGE).map(|_| Entry::default()).collect(), addresses, live: AtomicU32::new(0) }
    }
}

/// The page of a crSocket, and its place there.
fn at(id: SocketId) -> (usize, usize) {
    let of = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    (of(id.0 / PAGE), of(id.0 % PAGE))
}

impl Entry {
    fn read<'a>(&self, id: SocketId, apps: &'a [AppId]) -> Option<Summary<&'a AppId>> {
        let word = Word::unpack(self.word.load(Ordering::Relaxed))?;
        Some(Summary {
            id,
            app: apps.get(usize::from(word.app))?,
            role: word.role,
            state: word.state,
            since: self.since.load(Ordering::Relaxed),
            apart_since: Some(self.apart.load(Ordering::Relaxed)).filter(|apart| *apart != 0),
            partner: word.partner,
            client_id: self.client_id(),
            sent: self.sent.load(Ordering::Relaxed),
            received: self.received.load(Ordering::Relaxed),
            resets: self.resets.load(Ordering::Relaxed),
        })
    }

    fn client_id(&self) -> Option<ClientId> {
        self.client_id.load(Ordering::Relaxed).checked_sub(1).and_then(ClientId::from_number)
    }
}

impl Summary<&AppId> {
    /// The same, for longer than a look.
    pub fn owned(self) -> Summary {
        let Summary { id, app, role, state, since, apart_since, partner, client_id, sent, received, resets } =
            self;
        let app = app.clone();
        Summary { id, app, role, state, since, apart_since, partner, client_id, sent, received, resets }
    }
}

impl Place {
    /// The crSocket's number.
    pub(super) fn id(&self) -> SocketId {
        self.id
    }

    /// The crSocket's role.
    pub(super) fn role(&self) -> Role {
        self.role
    }

    /// What it shows of its state, its partner and its clientId.
    pub(super) fn shown(&self) -> (Option<StateName>, Option<ClientId>, Option<ClientId>) {
        let entry = self.entry();
        let word = entry.and_then(|entry| Word::unpack(entry.word.load(Ordering::Relaxed)));
        let (state, partner) = word.map(|word| (word.state, word.partner)).unzip();
        (state, partner.flatten(), entry.and_then(Entry::client_id))
    }

    /// State and partner, together.
    pub(super) fn publish(&self, state: &State, partner: Option<ClientId>) {
        let word = Word { state: StateName::of(state), role: self.role, app: self.app, partner };
        if let Some(entry) = self.entry() {
            entry.word.store(word.pack(), Ordering::Relaxed);
        }
    }

    /// When it came into its state, in milliseconds since 1970.
    pub(super) fn publish_since(&self, since: i64) {
        if let Some(entry) = self.entry() {
            entry.since.store(since, Ordering::Relaxed);
        }
    }

    /// Since when it has not been interacting, likewise; none from now on.
    pub(super) fn publish_apart(&self, since: Option<i64>) {
        if let Some(entry) = self.entry() {
            entry.apart.store(since.unwrap_or(0), Ordering::Relaxed);
        }
    }

    /// The clientId.
    pub(super) fn publish_client_id(&self, client_id: Option<ClientId>) {
        if let Some(entry) = self.entry() {
            let number = client_id.map_or(0, |id| id.number() + 1);
            entry.client_id.store(number, Ordering::Relaxed);
        }
    }

    /// One more crEvent left.
    pub(super) fn count_sent(&self) {
        self.count(|entry| &entry.sent);
    }

    /// One more crEvent of the partner came.
    pub(super) fn count_received(&self) {
        self.count(|entry| &entry.received);
    }

    /// One more reset.
    pub(super) fn count_reset(&self) {
        self.count(|entry| &entry.resets);
    }

    fn count(&self, counter: impl FnOnce(&Entry) -> &AtomicU32) {
        if let Some(entry) = self.entry() {
            counter(entry).fetch_add(1, Ordering::Relaxed);
        }
    }

    fn entry(&self) -> Option<&Entry> {
        self.page.entries.get(at(self.id).1)
    }
}

impl Place {
    /// It is free again.
    pub(super) fn leave(&self) {
        if self.left.replace(true) {
            return;
        }
        if let Some(entry) = self.entry() {
            entry.word.store(0, Ordering::Relaxed);
        }
        self.board.leave(self.id, &self.page);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.leave();
    }
}

/// How many crSockets are alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// Of this app.
    pub app: AppId,
    /// In this role.
    pub role: Role,
    /// In this state.
    pub state: StateName,
    /// How many.
    pub count: usize,
}

/// What fits into one atomic word, from the lowest bit: whether somebody is there 1, role 1, state 6, app 16,
/// partner plus one 20.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Word {
    state: StateName,
    role: Role,
    app: u16,
    partner: Option<ClientId>,
}

impl Word {
    fn pack(self) -> u64 {
        let role = u64::from(self.role == Role::Responder);
        let partner = self.partner.map_or(0, |id| u64::from(id.number()) + 1);
        1 | role << 1 | u64::from(self.state.number()) << 2 | u64::from(self.app) << 8 | partner << 24
    }

    /// The number of what it has in common with others: app, role, state.
    fn kind(self) -> usize {
        let role = usize::from(self.role == Role::Responder);
        (usize::from(self.app) * 2 + role) * StateName::ALL + usize::from(self.state.number())
    }

    /// `None` where nobody is.
    fn unpack(word: u64) -> Option<Word> {
        let bits = |from: u32, count: u32| (word >> from) & ((1 << count) - 1);
        if bits(0, 1) == 0 {
            return None;
        }
        let partner = u32::try_from(bits(24, 20)).ok()?;
        Some(Word {
            state: StateName::from_number(u8::try_from(bits(2, 6)).ok()?),
            role: if bits(1, 1) == 1 { Role::Responder } else { Role::Controller },
            app: u16::try_from(bits(8, 16)).ok()?,
            partner: partner.checked_sub(1).and_then(ClientId::from_number),
        })
    }
}
