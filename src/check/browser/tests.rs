//! Section 9, sentence by sentence.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::protocol::action::{Fate, Message, Outcome, Post, Refusal, Ticket, WhyDropped};
use crate::protocol::ids::{AccessToken, Credentials};
use crate::protocol::receiver::StreamEnd;
use crate::protocol::send_line;
use crate::protocol::sender::MAX_QUEUED;
use crate::protocol::time::Timing;
use crate::protocol::wire::{AbortReason, EventData, Frame};

const OWN: u32 = 111_111;
const PARTNER: u32 = 222_222;
const STRANGER: u32 = 333_333;

/// A browser client alone, with its timers and all that it asked for.
struct Page {
    browser: Browser,
    timing: Timing,
    now: Millis,
    /// What an event that comes too soon depends on: odd is luck.
    random: u64,
    timers: BTreeMap<TimerKind, Millis>,
    asked: Vec<(Millis, Effect)>,
    pids: u64,
}

impl Page {
    fn new(role: Role) -> Page {
        Page {
            browser: Browser::new(role),
            timing: Timing::default(),
            now: Millis::ZERO,
            random: 1,
            timers: BTreeMap::new(),
            asked: Vec::new(),
            pids: 0,
        }
    }

    /// It has an id and a token, is visible and online, and opens its stream.
    fn opening(role: Role) -> Page {
        let mut page = Page::new(role);
        page.tell(socket::Input::ClientId(Assigned::Valid(id(OWN))));
        page.tell(socket::Input::AccessToken(token("guest")));
        page.tell(socket::Input::Visible(true));
        page.tell(socket::Input::Online(true));
        assert_eq!(page.state(), "connecting");
        page
    }

    fn open(role: Role) -> Page {
        let mut page = Page::opening(role);
        page.hello();
        page.run(1_000);
        assert_eq!(page.state(), "readyToPair noPartnerClientId");
        page
    }

    fn searching(role: Role) -> Page {
        let mut page = Page::open(role);
        page.assign(PARTNER);
        page.run(2_000);
        assert_eq!(page.state(), "searching partnerInactive");
        page
    }

    /// Nothing waits, and nothing left for two seconds.
    fn interacting(role: Role) -> Page {
        let mut page = Page::searching(role);
        page.gets("ping", "", PARTNER);
        page.run(3_000);
        assert_eq!(page.state(), "interacting");
        page.asked.clear();
        page
    }

    fn rejected(role: Role) -> Page {
        let mut page = Page::searching(role);
        page.gets("reject", "assignedToOther", PARTNER);
        assert!(page.browser.is_rejected());
        assert_eq!(page.state(), "readyToPair assignedToOther");
        page.run(2_000);
        page.asked.clear();
        page
    }

    fn feed(&mut self, input: Input) {
        let step = Step { now: self.now, random: self.random, timing: &self.timing };
        let mut effects = Vec::new();
        self.browser.handle(input, &step, Some(self.now.0), &mut effects);
        for effect in effects {
            match &effect {
                Effect::SetTimer { timer, after } => {
                    self.timers.insert(*timer, self.now + *after);
                }
                Effect::CancelTimer(timer) => {
                    self.timers.remove(timer);
                }
                Effect::Open { .. }
                | Effect::Drop { .. }
                | Effect::Send { .. }
                | Effect::RequestClientId
                | Effect::Notify(_) => {}
            }
            self.asked.push((self.now, effect));
        }
        assert_eq!(self.timers, self.browser.timers, "what it believes to be armed is armed");
    }

    fn run(&mut self, millis: i64) {
        let until = self.now + Millis(millis);
        while let Some((&timer, &due)) =
            self.timers.iter().filter(|(_, due)| **due <= until).min_by_key(|(_, due)| **due)
        {
            self.now = self.now.max(due);
            self.timers.remove(&timer);
            self.feed(Input::Timer(timer));
        }
        self.now = until;
    }

    fn tell(&mut self, input: socket::Input) {
        self.feed(Input::Socket(input));
    }

    fn assign(&mut self, partner: u32) {
        self.tell(socket::Input::Partner(Assigned::Valid(id(partner))));
    }

    fn send(&mut self, event_type: &str) {
        let event = CrEvent::new(event_type, "").unwrap();
        self.tell(socket::Input::Send { ticket: Ticket(7), event });
    }

    /// The stream it opened last says something.
    fn stream(&mut self, input: impl FnOnce(StreamNo) -> receiver::Input) {
        let stream = self.browser.last_stream;
        self.feed(Input::Receiver(input(stream)));
    }

    fn frame(&mut self, frame: Frame) {
        self.stream(|stream| receiver::Input::Frame { stream, frame });
    }

    fn hello(&mut self) {
        self.pids += 1;
        self.frame(Frame::Hello { pid: pid(self.pids) });
    }

    fn pid(&self) -> Pid {
        pid(self.pids)
    }

    fn ends(&mut self, how: StreamEnd) {
        self.stream(|stream| receiver::Input::Ended { stream, how });
    }

    fn retry(&mut self, millis: i64) {
        self.stream(|stream| receiver::Input::Retry { stream, after: Millis(millis) });
    }

    fn aborted(&mut self, pid: Pid) {
        self.frame(Frame::Aborted { pid, reason: AbortReason::NotAuthorized, releaser: None });
    }

    fn gets(&mut self, event_type: &str, sub_type: &str, from: u32) {
        let event = CrEvent::new(event_type, sub_type).unwrap();
        let data = EventData::from_event(&event, id(from)).unwrap();
        self.frame(data.to_frame());
    }

    fn state(&self) -> String {
        let state = self.browser.state();
        format!("{} {}", state.as_str(), state.sub_state()).trim_end().to_owned()
    }

    /// What left since the last look, in words, with the time since a moment.
    fn left_since(&mut self, moment: Millis) -> Vec<(i64, String)> {
        let mut left = Vec::new();
        self.asked.retain(|(at, effect)| {
            if let Effect::Send { post, .. } = effect {
                left.push(((*at - moment).0, in_words(post)));
            }
            !matches!(effect, Effect::Send { .. })
        });
        left
    }

    fn left(&mut self) -> Vec<String> {
        self.left_since(Millis::ZERO).into_iter().map(|(_, post)| post).collect()
    }

    /// The streams opened since the last look: how long after a moment, and with what.
    fn opened_since(&mut self, moment: Millis) -> Vec<(i64, Credentials)> {
        let mut opened = Vec::new();
        self.asked.retain(|(at, effect)| {
            if let Effect::Open { credentials, .. } = effect {
                opened.push(((*at - moment).0, credentials.clone()));
            }
            !matches!(effect, Effect::Open { .. })
        });
        opened
    }

    fn dropped_since(&self, moment: Millis) -> Vec<i64> {
        let drops = self.asked.iter().filter(|(_, effect)| matches!(effect, Effect::Drop { .. }));
        drops.map(|(at, _)| (*at - moment).0).collect()
    }

    fn notices(&self) -> Vec<&Notice> {
        let notice = |(_, effect): &'_ (Millis, Effect)| matches!(effect, Effect::Notify(_));
        let notices = self.asked.iter().filter(|asked| notice(asked)).map(|(_, effect)| effect);
        notices
            .filter_map(|effect| if let Effect::Notify(notice) = effect { Some(notice) } else { None })
            .collect()
    }

    fn events(&self) -> usize {
        self.notices().iter().filter(|notice| matches!(notice, Notice::CrEvent(_))).count()
    }

    fn states_told(&self) -> usize {
        self.notices().iter().filter(|notice| matches!(notice, Notice::State { .. })).count()
    }

    fn fates(&self) -> Vec<Fate> {
        let fate = |notice: &&Notice| match notice {
            Notice::Fate { fate, .. } => Some(fate.clone()),
            Notice::State { .. } | Notice::ClientId(_) | Notice::Partner(_) | Notice::CrEvent(_) => None,
        };
        self.notices().iter().filter_map(fate).collect()
    }
}

fn id(number: u32) -> ClientId {
    ClientId::from_number(number).unwrap()
}

fn pid(number: u64) -> Pid {
    Pid::from_number(number).unwrap()
}

fn token(text: &str) -> Assigned<AccessToken> {
    Assigned::Valid(AccessToken::parse(text).unwrap())
}

fn guest(client_id: u32) -> Credentials {
    Credentials { client_id: id(client_id), access_token: AccessToken::parse("guest").unwrap() }
}

fn in_words(post: &Post) -> String {
    match &post.message {
        Message::CrEvent(event) if event.sub_type.is_empty() => {
            format!("{} to {}", event.event_type, post.recipient)
        }
        Message::CrEvent(event) => format!("{} {} to {}", event.event_type, event.sub_type, post.recipient),
        Message::Alive(pid) => format!("alive {pid}"),
        Message::Close(pid) => format!("close {pid}"),
    }
}

fn texts<const N: usize>(texts: [&str; N]) -> Vec<String> {
    texts.map(str::to_owned).into()
}

fn times<const N: usize>(times: [(i64, &str); N]) -> Vec<(i64, String)> {
    times.map(|(at, text)| (at, text.to_owned())).into()
}

#[test]
fn section_9_nobody_looks_at_the_answer() {
    let mut page = Page::interacting(Role::Controller);
    page.send("start");
    let before = page.browser.clone();
    for outcome in [Outcome::NoConnection, Outcome::NoAnswer, Outcome::Understood] {
        page.feed(Input::SendLine(send_line::Input::Answer { number: before.last_request, outcome }));
    }
    assert_eq!(page.browser, before);
    assert_eq!(page.left(), texts(["start to 222222"]));
    assert_eq!(page.fates(), [Fate::Queued, Fate::Sent]);
}

#[test]
fn section_9_after_a_broken_stream_the_event_source_comes_back_by_itself_with_the_same_request() {
    let mut page = Page::interacting(Role::Controller);
    let broken = page.now;
    page.ends(StreamEnd::Broken);
    page.run(4_000);
    assert_eq!(page.opened_since(broken), [(3_000, guest(OWN))], "unless the server said otherwise");
    page.retry(700);
    let broken = page.now;
    page.ends(StreamEnd::NoConnection);
    page.run(4_000);
    assert_eq!(page.opened_since(broken), [(700, guest(OWN))]);
}

#[test]
fn section_9_the_crsocket_stays_in_its_state_and_goes_on_sending_meanwhile() {
    let mut page = Page::interacting(Role::Controller);
    page.retry(30_000);
    page.ends(StreamEnd::Broken);
    page.send("start");
    assert_eq!(page.left(), texts(["start to 222222"]));
    page.run(13_000);
    assert_eq!(page.left(), texts(["alive 1", "ping to 222222"]), "also alive with the old pid");
    assert_eq!(page.state(), "interacting");
}

#[test]
fn section_9_the_second_hello_only_sets_the_pid() {
    let mut page = Page::interacting(Role::Controller);
    page.ends(StreamEnd::Broken);
    page.run(4_000);
    page.asked.clear();
    page.hello();
    assert_eq!((page.left(), page.states_told()), (vec![], 0));
    assert_eq!(page.browser.pid, Some(pid(2)));
}

#[test]
fn section_9_shutdown_with_its_pid_closes_and_opens_again_at_once_without_a_change_of_state() {
    let mut page = Page::interacting(Role::Controller);
    page.frame(Frame::Shutdown { pid: pid(99) });
    assert_eq!(page.opened_since(page.now), [], "not with another pid");
    let shutdown = page.now;
    page.frame(Frame::Shutdown { pid: page.pid() });
    assert_eq!(page.dropped_since(shutdown), [0]);
    assert_eq!(page.opened_since(shutdown), [(0, guest(OWN))]);
    page.hello();
    assert_eq!((page.state().as_str(), page.states_told()), ("interacting", 0));
}

#[test]
fn section_9_aborted_is_down_until_something_is_set_again() {
    let anew: [fn(&mut Page); 5] = [
        |page| {
            page.tell(socket::Input::Visible(false));
            page.tell(socket::Input::Visible(true));
        },
        |page| {
            page.tell(socket::Input::Online(false));
            page.tell(socket::Input::Online(true));
        },
        |page| {
            page.tell(socket::Input::Paused(true));
            page.tell(socket::Input::Paused(false));
        },
        |page| page.tell(socket::Input::AccessToken(token("other"))),
        |page| page.tell(socket::Input::ClientId(Assigned::Valid(id(444_444)))),
    ];
    for set in anew {
        let mut page = Page::searching(Role::Responder);
        page.aborted(page.pid());
        assert_eq!(page.state(), "readyToConnect notAuthorized");
        page.asked.clear();
        page.run(1_000_000);
        page.assign(STRANGER);
        assert_eq!(page.opened_since(page.now), []);
        set(&mut page);
        assert_eq!(page.opened_since(page.now).len(), 1);
        assert_eq!(page.state(), "connecting");
    }
}

#[test]
fn section_9_aborted_before_hello_counts_with_any_pid_afterwards_with_its_own() {
    let mut page = Page::opening(Role::Responder);
    page.aborted(pid(99));
    assert_eq!(page.state(), "readyToConnect notAuthorized");
    let mut page = Page::interacting(Role::Responder);
    page.aborted(pid(99));
    assert_eq!(page.state(), "interacting");
    page.ends(StreamEnd::Broken);
    page.run(3_000);
    page.aborted(pid(99));
    assert_eq!(page.state(), "readyToConnect notAuthorized", "a stream that came back, before its hello");
}

#[test]
fn section_9_any_status_other_than_200_is_down() {
    for how in [StreamEnd::Status(404), StreamEnd::Status(503), StreamEnd::NotEventStream] {
        let mut page = Page::interacting(Role::Responder);
        page.ends(StreamEnd::Broken);
        page.run(3_000);
        page.ends(how);
        assert_eq!(page.state(), "readyToConnect error");
        page.asked.clear();
        page.run(1_000_000);
        assert_eq!(page.asked, []);
    }
}

#[test]
fn section_9_the_retry_answer_is_opening_until_served() {
    let mut page = Page::opening(Role::Responder);
    page.asked.clear();
    for _ in 0..3 {
        let answered = page.now;
        page.retry(500);
        page.ends(StreamEnd::Broken);
        page.run(600);
        assert_eq!(page.opened_since(answered), [(500, guest(OWN))]);
        assert_eq!(page.state(), "connecting");
    }
    page.hello();
    assert_eq!(page.state(), "readyToPair noPartnerClientId");
}

#[test]
fn section_9_crevents_within_100_ms_of_hello_may_be_lost() {
    for (after, random, got) in [(99, 0, 0), (99, 1, 1), (100, 0, 1)] {
        let mut page = Page::interacting(Role::Responder);
        page.hello();
        page.run(after);
        page.random = random;
        page.gets("start", "", PARTNER);
        assert_eq!(page.events(), got, "{after} ms, {random}");
    }
}

#[test]
fn section_9_crevents_within_100_ms_of_a_change_of_partner_may_be_lost() {
    for (after, random, got) in [(99, 0, 0), (99, 1, 1), (100, 0, 1)] {
        let mut page = Page::open(Role::Responder);
        page.gets("ping", "", PARTNER);
        page.asked.clear();
        page.run(after);
        page.random = random;
        page.gets("start", "", PARTNER);
        assert_eq!(page.events(), got, "{after} ms, {random}");
    }
}

#[test]
fn section_9_closed_is_waited_for_up_to_1_000_ms_then_the_connection_is_dropped() {
    let mut page = Page::open(Role::Responder);
    page.asked.clear();
    let hidden = page.now;
    page.tell(socket::Input::Visible(false));
    assert_eq!(page.left(), texts(["close 1"]));
    page.run(5_000);
    assert_eq!(page.dropped_since(hidden), [1_000]);
    assert_eq!(page.browser.receiver, receiver::State::Closed(WhyClosed::ClientNotActive));
}

#[test]
fn section_9_closed_ends_the_wait() {
    let mut page = Page::open(Role::Responder);
    page.tell(socket::Input::Visible(false));
    page.tell(socket::Input::Visible(true));
    page.asked.clear();
    page.run(50);
    let closed = page.now;
    page.frame(Frame::Closed { pid: page.pid() });
    assert_eq!(page.opened_since(closed), [(0, guest(OWN))], "openable again meanwhile");
}

#[test]
fn section_9_a_changed_token_opens_its_new_stream_1_000_ms_after_the_close() {
    let mut page = Page::open(Role::Responder);
    let changed = page.now;
    page.asked.clear();
    page.tell(socket::Input::AccessToken(token("other")));
    assert_eq!(page.state(), "readyToConnect noAccessToken");
    page.run(20);
    page.frame(Frame::Closed { pid: page.pid() });
    page.ends(StreamEnd::Broken);
    page.run(2_000);
    let other = Credentials { client_id: id(OWN), access_token: AccessToken::parse("other").unwrap() };
    assert_eq!(page.opened_since(changed), [(1_000, other)]);
    assert_eq!(page.dropped_since(changed), [20]);
}

#[test]
fn section_9_a_changed_client_id_opens_its_new_stream_1_000_ms_after_the_close() {
    let mut page = Page::interacting(Role::Controller);
    let changed = page.now;
    page.tell(socket::Input::ClientId(Assigned::Valid(id(444_444))));
    assert_eq!(page.state(), "passive noClientId");
    assert_eq!(page.left(), texts(["unassign notPaired to 222222", "close 1"]));
    page.run(2_000);
    assert_eq!(page.opened_since(changed), [(1_000, guest(444_444))]);
    assert_eq!(page.browser.partner(), None);
}

#[test]
fn section_9_alive_every_12_s_without_hello_shutdown_or_crevent() {
    let mut page = Page::opening(Role::Responder);
    page.run(5_000);
    let start = page.now;
    page.hello();
    page.run(11_000);
    page.gets("start", "", STRANGER);
    page.run(11_000);
    page.frame(Frame::Shutdown { pid: page.pid() });
    page.hello();
    page.run(30_000);
    assert_eq!(page.left_since(start), times([(34_000, "alive 2"), (46_000, "alive 2")]));
}

#[test]
fn section_9_the_echo_is_not_missed_when_it_stays_away() {
    let mut page = Page::interacting(Role::Responder);
    page.run(10_000_000);
    assert_eq!(page.state(), "searching partnerInactive");
    assert_eq!(page.opened_since(page.now), []);
}

#[test]
fn section_9_other_crevents_put_off_the_ping() {
    let mut page = Page::interacting(Role::Controller);
    let start = page.now;
    for _ in 0..3 {
        page.send("step");
        page.run(9_000);
        page.gets("seen", "", PARTNER);
    }
    page.run(1_500);
    let step = "step to 222222";
    let left = times([(0, step), (9_000, step), (18_000, step), (28_000, "ping to 222222")]);
    let crevents = |mut left: Vec<(i64, String)>| {
        left.retain(|(_, text)| !text.starts_with("alive"));
        left
    };
    assert_eq!(crevents(page.left_since(start)), left);
}

#[test]
fn section_9_ordinary_crevents_leave_1_100_ms_apart() {
    let mut page = Page::interacting(Role::Controller);
    let start = page.now;
    for event_type in ["a", "b", "c"] {
        page.send(event_type);
    }
    page.run(5_000);
    let left = times([(0, "a to 222222"), (1_100, "b to 222222"), (2_200, "c to 222222")]);
    assert_eq!(page.left_since(start), left);
}

#[test]
fn section_9_reject_inactive_and_unassign_leave_at_once_but_put_off_the_others() {
    let mut page = Page::interacting(Role::Controller);
    let start = page.now;
    page.send("a");
    page.send("b");
    page.run(500);
    page.gets("ping", "", STRANGER);
    page.run(500);
    page.tell(socket::Input::Partner(Assigned::Nothing));
    page.run(5_000);
    let left = times([
        (0, "a to 222222"),
        (500, "reject notPaired to 333333"),
        (1_000, "unassign notPaired to 222222"),
        (2_100, "b to 222222"),
    ]);
    assert_eq!(page.left_since(start), left);

    let mut page = Page::interacting(Role::Controller);
    let start = page.now;
    page.send("a");
    page.send("b");
    page.run(500);
    page.tell(socket::Input::Paused(true));
    page.run(5_000);
    let left =
        times([(0, "a to 222222"), (500, "inactive to 222222"), (500, "close 1"), (1_600, "b to 222222")]);
    assert_eq!(page.left_since(start), left);
}

#[test]
fn section_9_inactive_on_leaving_paired_for_passive_or_ready_to_connect() {
    for role in [Role::Controller, Role::Responder] {
        for make in [Page::searching, Page::interacting] {
            let said = |leave: fn(&mut Page)| {
                let mut page = make(role);
                page.asked.clear();
                leave(&mut page);
                page.left()
            };
            let inactive = texts(["inactive to 222222", "close 1"]);
            assert_eq!(said(|page| page.tell(socket::Input::Visible(false))), inactive);
            assert_eq!(said(|page| page.tell(socket::Input::Unloading(true))), inactive);
            assert_eq!(said(|page| page.tell(socket::Input::AccessToken(token("other")))), inactive);
            assert_eq!(said(|page| page.aborted(page.pid())), texts(["inactive to 222222"]));
            assert_eq!(said(|page| page.ends(StreamEnd::Status(404))), texts(["inactive to 222222"]));
            let offline = said(|page| page.tell(socket::Input::Online(false)));
            assert_eq!(offline, texts(["close 1"]), "offline it is lost");
        }
    }
}

#[test]
fn section_9_a_goodbye_carries_the_credentials_that_held_before() {
    let mut page = Page::interacting(Role::Controller);
    page.tell(socket::Input::AccessToken(token("other")));
    let sent = page.asked.iter().filter_map(|(_, effect)| match effect {
        Effect::Send { post, .. } => Some(post.credentials.clone()),
        Effect::Open { .. }
        | Effect::Drop { .. }
        | Effect::RequestClientId
        | Effect::SetTimer { .. }
        | Effect::CancelTimer(_)
        | Effect::Notify(_) => None,
    });
    assert_eq!(sent.collect::<Vec<_>>(), [guest(OWN), guest(OWN)]);
}

#[test]
fn section_9_unassign_only_when_paired_by_a_controller() {
    let said = |mut page: Page| {
        page.asked.clear();
        page.tell(socket::Input::Partner(Assigned::Nothing));
        assert_eq!(page.browser.partner(), None);
        page.left()
    };
    assert_eq!(said(Page::searching(Role::Controller)), texts(["unassign notPaired to 222222"]));
    assert_eq!(said(Page::interacting(Role::Controller)), texts(["unassign notPaired to 222222"]));
    assert_eq!(said(Page::rejected(Role::Controller)), texts([]));
    assert_eq!(said(Page::interacting(Role::Responder)), texts([]));
    let mut hidden = Page::interacting(Role::Controller);
    hidden.tell(socket::Input::Visible(false));
    assert_eq!(said(hidden), texts([]));
}

#[test]
fn section_9_a_paired_responder_that_changes_its_client_id_lets_go_in_silence() {
    let mut page = Page::interacting(Role::Responder);
    page.tell(socket::Input::ClientId(Assigned::Nothing));
    assert_eq!(page.left(), texts(["close 1"]));
    assert_eq!(page.browser.partner(), None);
}

#[test]
fn section_9_a_rejected_client_pings_again_only_after_something_changed() {
    for role in [Role::Controller, Role::Responder] {
        let pings = |act: fn(&mut Page)| {
            let mut page = Page::rejected(role);
            act(&mut page);
            page.run(1_000);
            if page.state() == "connecting" {
                page.hello();
            }
            page.run(2_000);
            page.left().contains(&"ping to 222222".to_owned())
        };
        assert!(!pings(|page| page.run(1_000_000)));
        assert!(!pings(|page| page.gets("start", "", PARTNER)));
        assert!(!pings(|page| page.assign(PARTNER)), "the same one once more is no change");
        assert!(!pings(Page::hello));
        assert!(pings(|page| {
            page.assign(STRANGER);
            page.assign(PARTNER);
        }));
        assert!(pings(|page| page.tell(socket::Input::AccessToken(token("other")))));
        assert!(pings(|page| {
            page.tell(socket::Input::Paused(true));
            page.tell(socket::Input::Paused(false));
        }));
        assert!(pings(|page| page.gets("ping", "", PARTNER)), "a ping of that partner");
    }
}

#[test]
fn section_9_a_changed_id_lifts_a_rejection() {
    let mut page = Page::rejected(Role::Responder);
    page.tell(socket::Input::ClientId(Assigned::Valid(id(444_444))));
    assert!(!page.browser.is_rejected());
}

#[test]
fn section_9_a_late_reject_parts_them_too() {
    let mut page = Page::interacting(Role::Responder);
    page.tell(socket::Input::Paused(true));
    page.frame(Frame::Closed { pid: page.pid() });
    page.tell(socket::Input::Paused(false));
    page.hello();
    page.run(200);
    assert_eq!(page.left(), texts(["inactive to 222222", "close 1"]), "its ping waits");
    page.gets("reject", "notPaired", PARTNER);
    assert_eq!(page.state(), "readyToPair notPaired");
    page.run(10_000);
    assert_eq!(page.left(), texts(["ping to 222222"]), "the one that waited");
}

#[test]
fn section_9_a_responder_in_ready_to_pair_takes_any_ping() {
    let mut page = Page::open(Role::Responder);
    page.gets("ping", "", PARTNER);
    assert_eq!((page.browser.partner(), page.state()), (Some(id(PARTNER)), "interacting".to_owned()));
    let mut page = Page::rejected(Role::Responder);
    page.gets("ping", "", STRANGER);
    assert_eq!((page.browser.partner(), page.state()), (Some(id(STRANGER)), "interacting".to_owned()));
}

#[test]
fn section_9_a_controller_answers_every_strangers_ping_with_not_paired() {
    let reject = texts(["reject notPaired to 333333", "reject notPaired to 333333"]);
    for make in [Page::open, Page::rejected, Page::searching, Page::interacting] {
        let mut page = make(Role::Controller);
        page.asked.clear();
        page.gets("ping", "", STRANGER);
        page.gets("ping", "", STRANGER);
        page.gets("start", "", STRANGER);
        assert_eq!(page.left(), reject);
        assert_eq!(page.events(), 0);
    }
}

#[test]
fn section_7_a_taken_responder_answers_a_strangers_ping_with_assigned_to_other() {
    let mut page = Page::interacting(Role::Responder);
    page.gets("ping", "", STRANGER);
    assert_eq!(page.left(), texts(["reject assignedToOther to 333333"]));
}

#[test]
fn section_7_unassign_clears_the_partner_of_a_responder_only() {
    for (role, state) in
        [(Role::Responder, "readyToPair noPartnerClientId"), (Role::Controller, "interacting")]
    {
        let mut page = Page::interacting(role);
        page.gets("unassign", "notPaired", PARTNER);
        assert_eq!(page.state(), state);
    }
}

#[test]
fn section_7_a_partner_that_is_inactive_or_silent_is_searched_for() {
    let mut page = Page::interacting(Role::Controller);
    page.gets("inactive", "", PARTNER);
    assert_eq!(page.state(), "searching partnerInactive");
    page.gets("ping", "", PARTNER);
    page.run(24_999);
    assert_eq!(page.state(), "interacting");
    page.run(1);
    assert_eq!(page.state(), "searching partnerInactive");
    page.asked.clear();
    let start = page.now;
    page.run(10_000);
    let pings: Vec<i64> =
        page.left_since(start).iter().filter(|(_, text)| text.contains("ping")).map(|(at, _)| *at).collect();
    assert_eq!(pings, [5_000, 10_000]);
}

#[test]
fn section_6_offline_what_is_buffered_is_kept_and_leaves_when_online_again_the_rest_is_dropped() {
    let mut page = Page::interacting(Role::Controller);
    page.tell(socket::Input::Online(false));
    page.asked.clear();
    page.send("lost");
    for event_type in ["a", "b"] {
        let event = CrEvent::new(event_type, "").unwrap().buffered();
        page.tell(socket::Input::Send { ticket: Ticket(8), event });
    }
    page.run(5_000);
    let dropped = Fate::Dropped(WhyDropped::Offline);
    assert_eq!(
        page.fates(),
        [Fate::Queued, dropped, Fate::Queued, Fate::Buffered, Fate::Queued, Fate::Buffered]
    );
    assert_eq!(page.left(), texts([]));
    page.tell(socket::Input::Online(true));
    assert_eq!(page.left(), texts(["a to 222222", "b to 222222"]));
}

#[test]
fn section_6_a_full_queue_refuses() {
    let mut page = Page::interacting(Role::Controller);
    for _ in 0..MAX_QUEUED + 1 {
        page.send("much");
    }
    assert!(!page.fates().contains(&Fate::Refused(Refusal::QueueFull { max: MAX_QUEUED })));
    page.send("more");
    assert_eq!(page.fates().last(), Some(&Fate::Refused(Refusal::QueueFull { max: MAX_QUEUED })));
}

#[test]
fn section_9_a_client_id_that_is_kept_is_not_asked_for_again() {
    let asks =
        |page: &Page| page.asked.iter().filter(|(_, effect)| *effect == Effect::RequestClientId).count();
    let mut page = Page::new(Role::Responder);
    page.tell(socket::Input::Visible(true));
    page.run(5_500);
    assert_eq!(asks(&page), 2, "again after invalidClientIdRetryDt");
    page.tell(socket::Input::ClientIdAnswer(Some(id(OWN))));
    assert_eq!(page.browser.client_id(), Some(id(OWN)));
    assert!(page.notices().contains(&&Notice::ClientId(id(OWN))), "to be kept");
    page.run(60_000);
    assert_eq!(asks(&page), 2);
    let mut other_tab = Page::new(Role::Responder);
    other_tab.tell(socket::Input::ClientId(Assigned::Valid(id(OWN))));
    assert_eq!(asks(&other_tab), 0);
}

/// Anything that can happen to a page.
fn anything() -> impl Strategy<Value = (u8, u8)> {
    (0..24_u8, 0..4_u8)
}

fn happen(page: &mut Page, (what, which): (u8, u8)) {
    let yes = which % 2 == 0;
    let who = [PARTNER, STRANGER][usize::from(yes)];
    let current = page.pid_or_one();
    match what {
        0 => page.tell(socket::Input::Visible(yes)),
        1 => page.tell(socket::Input::Online(yes)),
        2 => page.tell(socket::Input::Paused(yes)),
        3 => page.tell(socket::Input::Unloading(yes)),
        4 => page.tell(socket::Input::ClientId(Assigned::Valid(id(OWN + u32::from(which))))),
        5 => page.tell(socket::Input::ClientId(if yes { Assigned::Nothing } else { Assigned::Invalid })),
        6 => page.tell(socket::Input::AccessToken(token(["a", "b"][usize::from(yes)]))),
        7 => page.tell(socket::Input::AccessToken(if yes { Assigned::Nothing } else { Assigned::Invalid })),
        8 => page.assign(who),
        9 => page.tell(socket::Input::Partner(if yes { Assigned::Nothing } else { Assigned::Invalid })),
        10 => page.send("start"),
        11 => page.tell(socket::Input::ClientIdAnswer(Some(id(OWN)))),
        12 | 13 => page.hello(),
        14 => page.frame(Frame::Closed { pid: current }),
        15 => page.frame(Frame::Shutdown { pid: current }),
        16 => page.aborted(current),
        17 => page.ends(if yes { StreamEnd::Broken } else { StreamEnd::Status(503) }),
        18 => page.gets("ping", "", who),
        19 => page.gets("reject", "blocked", who),
        20 => page.gets("unassign", "notPaired", who),
        21 => page.retry(i64::from(which) * 500),
        _ => page.run(i64::from(which) * 700),
    }
}

impl Page {
    fn pid_or_one(&self) -> Pid {
        pid(self.pids.max(1))
    }
}

proptest! {
    #[test]
    fn one_event_source_at_a_time_whatever_happens(
        controller: bool,
        happenings in prop::collection::vec(anything(), 0..80),
    ) {
        let role = if controller { Role::Controller } else { Role::Responder };
        let mut page = Page::opening(role);
        let mut standing = Some(page.browser.last_stream);
        let mut state = page.browser.state().clone();
        page.asked.clear();
        for happening in happenings {
            let ended = page.browser.last_stream;
            happen(&mut page, happening);
            if happening.0 == 17 && standing == Some(ended) {
                standing = None;
            }
            for (_, effect) in std::mem::take(&mut page.asked) {
                match effect {
                    Effect::Open { stream, .. } => {
                        prop_assert_eq!(standing, None, "two streams");
                        standing = Some(stream);
                    }
                    Effect::Drop { stream } => {
                        prop_assert_eq!(standing, Some(stream));
                        standing = None;
                    }
                    Effect::Notify(Notice::State { from, to }) => {
                        prop_assert_eq!(&from, &state);
                        state = to;
                    }
                    Effect::Send { .. }
                    | Effect::RequestClientId
                    | Effect::SetTimer { .. }
                    | Effect::CancelTimer(_)
                    | Effect::Notify(_) => {}
                }
            }
            prop_assert_eq!(&state, page.browser.state());
            prop_assert_eq!(state.is_connected(), page.browser.receiver == receiver::State::Open && state.is_active());
        }
    }
}
