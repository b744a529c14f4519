//! A crSocket's actors with nobody at the other end: what the world once told a crSocket is told them at the same moments,
//! and all they do is written down.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use actix::{Actor, Addr, Context, Handler, System};
use tokio::time::{Instant, sleep_until};

use super::{CALENDAR, Done, Page, TAIL, What};
use crate::actors::board::Board;
use crate::actors::client_ids::ClientIds;
use crate::actors::counted::Counted;
use crate::actors::link::{Ends, EndsKey, Link};
use crate::actors::messages::{News, SendCrEvent, SetFact, SocketEvent, Told};
use crate::actors::recent::Recent;
use crate::actors::shared::{HostWide, Shared};
use crate::actors::socket::{Birth, CrSocket};
use crate::protocol::action::{Post, RequestNo, StreamNo};
use crate::protocol::ids::{AppId, Credentials};
use crate::protocol::socket;
use crate::protocol::time::{Millis, TimerKind, Timing};
use crate::protocol::wired::Input;

/// How often nothing may happen in a row before all is quiet.
const STILL: u32 = 4;

thread_local! {
    static RANDOM: Cell<u64> = const { Cell::new(0) };
    /// How many steps the machines took.
    static STEPS: Cell<u64> = const { Cell::new(0) };
    static START: Cell<Option<Instant>> = const { Cell::new(None) };
    static FIRED: RefCell<Vec<(Millis, TimerKind)>> = const { RefCell::new(Vec::new()) };
}

/// An actor's timer fires.
pub(in crate::actors) fn timer_fires(timer: TimerKind) {
    FIRED.with_borrow_mut(|fired| fired.push((now(), timer)));
}

fn now() -> Millis {
    let passed = START.get().map_or(Duration::ZERO, |start| start.elapsed());
    Millis(i64::try_from(passed.as_millis()).unwrap())
}

/// The link to nobody. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub(in crate::actors) struct Tape(Rc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    ends: RefCell<Option<Rc<Ends>>>,
    done: RefCell<Vec<(Millis, What)>>,
}

impl Tape {
    pub(in crate::actors) fn attach(&self, ends: Rc<Ends>) -> EndsKey {
        *self.0.ends.borrow_mut() = Some(ends);
        EndsKey::default()
    }

    pub(in crate::actors) fn detach(&self) {
        self.0.ends.take();
    }

    pub(in crate::actors) fn opens(&self, stream: StreamNo, credentials: Credentials, resume: bool) {
        self.note(What::Opens { stream, credentials, resume });
    }

    pub(in crate::actors) fn drops(&self, stream: StreamNo) {
        self.note(What::Drops { stream });
    }

    pub(in crate::actors) fn sends(&self, number: RequestNo, post: &Post) {
        self.note(What::Sends { number, post: post.clone() });
    }

    pub(in crate::actors) fn asks(&self) {
        self.note(What::AsksForId);
    }

    pub(in crate::actors) fn remove_all(&self) {
        assert!(self.0.ends.borrow().is_none(), "nobody removes what is on a tape");
    }

    fn note(&self, what: What) {
        self.0.done.borrow_mut().push((now(), what));
    }

    /// Tells the actors what the world told.
    fn feed(&self, address: &Addr<CrSocket>, input: Input) {
        let ends = self.0.ends.borrow();
        let ends = ends.as_ref().expect("the crSocket died");
        match input {
            Input::Socket(input @ socket::Input::ClientIdAnswer(_)) => {
                address.do_send(Told { life: ends.life, input });
            }
            Input::Socket(socket::Input::Send { ticket, event }) => {
                address.do_send(SendCrEvent { ticket, event });
            }
            Input::Socket(input) => {
                let fact = fact_of(&input).unwrap_or_else(|| panic!("no world says {input:?}"));
                address.do_send(fact);
            }
            Input::Receiver(input) => ends.receiver.do_send(input),
            Input::SendLine(input) => ends.sender.do_send(input),
            Input::Timer(timer) => panic!("actors have timers of their own: {timer:?}"),
        }
    }
}

/// The fact that is set by this input.
pub(super) fn fact_of(input: &socket::Input) -> Option<SetFact> {
    Some(match input.clone() {
        socket::Input::Visible(visible) => SetFact::Visible(visible),
        socket::Input::Online(online) => SetFact::Online(online),
        socket::Input::Paused(paused) => SetFact::Paused(paused),
        socket::Input::Unloading(unloading) => SetFact::Unloading(unloading),
        socket::Input::ClientId(id) => SetFact::ClientId(id),
        socket::Input::AccessToken(token) => SetFact::AccessToken(token),
        socket::Input::Partner(partner) => SetFact::Partner(partner),
        _ => return None,
    })
}

/// The enclosing client, who writes down what it is told.
struct Enclosing(Tape);

impl Actor for Enclosing {
    type Context = Context<Enclosing>;
}

impl Handler<SocketEvent> for Enclosing {
    type Result = ();

    fn handle(&mut self, event: SocketEvent, _: &mut Context<Enclosing>) {
        match event.news {
            News::Notice(notice) => self.0.note(What::Told(notice)),
            News::Reset | News::Removed { .. } => panic!("nobody dies here: {event:?}"),
        }
    }
}

/// Plays a page to the actors of a crSocket.
pub(super) fn play(page: &Page, timing: &Timing, random: u64) -> Done {
    RANDOM.set(random);
    FIRED.take();
    let tape = Tape::default();
    let runtime =
        || tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    System::with_tokio_rt(runtime).block_on(play_here(page, timing, &tape));
    Done { what: tape.0.done.take(), fired: FIRED.take() }
}

async fn play_here(page: &Page, timing: &Timing, tape: &Tape) {
    let start = Instant::now();
    START.set(Some(start));
    let app = AppId::parse("lab").unwrap();
    let shared = Rc::new(Shared::new(host_wide(timing)));
    let link = Link::Tape(tape.clone());
    let place = shared.host.board.enter(&app, page.role);
    let observer = Some(Enclosing(tape.clone()).start().recipient());
    let counted = Counted::new(&shared.host.live);
    let (role, facts, tells_pings) = (page.role, page.facts.clone(), true);
    let birth = Birth { place, app, role, facts, observer, tells_pings, counted };
    let address = CrSocket::create(|context| CrSocket::new(birth, &link, &shared, context));
    quiet().await;
    let at = |at: Millis| start + Duration::from_millis(at.0.unsigned_abs());
    for (moment, input) in &page.inputs {
        // What is due by then is done first.
        sleep_until(at(*moment)).await;
        quiet().await;
        tape.feed(&address, input.clone());
        quiet().await;
    }
    sleep_until(at(page.end + TAIL)).await;
    quiet().await;
    // It ends with the page, which is not closed.
    tape.detach();
}

pub(in crate::actors) fn host_wide(timing: &Timing) -> Arc<HostWide> {
    Arc::new(HostWide {
        timing: timing.clone(),
        random: || {
            STEPS.set(STEPS.get() + 1);
            RANDOM.get()
        },
        calendar: || Some(CALENDAR),
        board: Arc::<Board>::default(),
        recent: Arc::new(Recent::new(0)),
        feed: Arc::default(),
        live: Arc::default(),
        counters: Arc::default(),
        client_ids: Arc::new(ClientIds::new(None)),
        latest_timer: AtomicI64::new(0),
        latest_timer_ever: AtomicI64::new(0),
    })
}

/// Lets the actors talk until all is said. No time passes.
async fn quiet() {
    let (mut still, mut steps) = (0, STEPS.get());
    while still < STILL {
        tokio::task::yield_now().await;
        still = if STEPS.get() == steps { still + 1 } else { 0 };
        steps = STEPS.get();
    }
}
