//! The EventReceiver, sentence by sentence of section 5 of the specification.

#![allow(clippy::unwrap_used)] // clippy's exemption of tests leaves out their helpers

mod support;

use crsocket::protocol::receiver::{State, WhyAborted, WhyClosed};
use crsocket::protocol::wire::AbortReason;
use support::receiver_rig::ReceiverRig;
use support::{Rig, Row, run};

const OPENING: &str = "set active 1 a";
const OPEN: &str = "set active 1 a; hello 7";
/// `close` was sent, because the client is not active.
const CLOSING: &str = "set active 1 a; hello 7; set idle 1 a";
/// It has lived for ten seconds, and its server can be reached.
const OLD: &str = "set active 1 a; hello 7; +10000; sent";

fn check(rows: &[Row<'_>]) {
    support::check(rows, ReceiverRig::new);
}

#[test]
fn section_5_states_and_sub_states_on_the_wire() {
    let whys = [
        (WhyClosed::ClientNotActive, "clientNotActive"),
        (WhyClosed::NoClientId, "noClientId"),
        (WhyClosed::NoAccessToken, "noAccessToken"),
        (WhyClosed::InvalidAccessToken, "invalidAccessToken"),
    ];
    for (why, name) in whys {
        for (state, published) in [(State::Closed(why), "closed"), (State::Closing(why), "closing")] {
            assert_eq!((state.as_str(), state.sub_state()), (published, name), "{state:?}");
        }
    }
    for reason in [
        "invalidRole",
        "invalidClientId",
        "invalidAccessToken",
        "notAuthorized",
        "releasedByOther",
        "clientNotAlive",
        "clientIdInUse",
        "somethingNew",
    ] {
        let state = State::Aborted(WhyAborted::Server(AbortReason::from_text(reason)));
        assert_eq!((state.as_str(), state.sub_state()), ("aborted", reason), "{state:?}");
    }
    let error = State::Aborted(WhyAborted::Error);
    assert_eq!((error.as_str(), error.sub_state()), ("aborted", "error"));
    assert_eq!((State::Opening.as_str(), State::Opening.sub_state()), ("opening", ""));
    assert_eq!((State::Open.as_str(), State::Open.sub_state()), ("open", ""));
}

#[test]
fn section_5_table_of_states() {
    check(&[
        ("5 closed: at first", "", "state", "closed/clientNotActive"),
        ("5 closed: clientNotActive comes first", "", "set idle - -", "closed/clientNotActive"),
        ("5 closed: clientNotActive before invalidAccessToken", "", "set idle 1 !", "closed/clientNotActive"),
        ("5 closed: clientNotActive, all else assigned", "", "set idle 1 a", "closed/clientNotActive"),
        ("5 closed: noClientId before noAccessToken", "", "set active - -", "closed/noClientId"),
        ("5 closed: noClientId before invalidAccessToken", "", "set active - !", "closed/noClientId"),
        ("5 closed: noAccessToken", "", "set active 1 -", "closed/noAccessToken"),
        ("5 closed: invalidAccessToken", "", "set active 1 !", "closed/invalidAccessToken"),
        ("5 closed: a new why is reported", "set active 1 !", "set active - a", "closed/noClientId"),
        ("5 opening: openable, no hello yet", "", "set active 1 a", "open as 1/a; opening"),
        ("5 open: openable, hello received", OPENING, "hello 7", "open"),
        ("5 closing: clientNotActive", OPEN, "set idle - !", "close 7 as 1/a; closing/clientNotActive"),
        ("5 closing: noClientId", OPEN, "set active - !", "close 7 as 1/a; closing/noClientId"),
        ("5 closing: noAccessToken", OPEN, "set active 1 -", "close 7 as 1/a; closing/noAccessToken"),
        (
            "5 closing: invalidAccessToken",
            OPEN,
            "set active 1 !",
            "close 7 as 1/a; closing/invalidAccessToken",
        ),
        ("5 closing: a newer why counts", CLOSING, "set active 1 -", "closing/noAccessToken"),
        ("5 aborted: before hello", OPENING, "aborted 1 notAuthorized", "drop; aborted/notAuthorized"),
        (
            "5 aborted: while open",
            OPEN,
            "aborted 7 releasedByOther; state",
            "drop; aborted/releasedByOther; aborted/releasedByOther",
        ),
        ("5 aborted: error", OPENING, "end html", "aborted/error"),
        (
            "5 aborted: no longer openable is closed",
            "set active 1 a; aborted 1 notAuthorized",
            "set active 1 -",
            "closed/noAccessToken",
        ),
    ]);
}

#[test]
fn section_5_hello_and_the_alive_schedule() {
    check(&[
        (
            "5 opening: opens with clientId and accessToken",
            "",
            "set active 12 token",
            "open as 12/token; opening",
        ),
        ("5 hello: starts the alive schedule", OPENING, "hello 7; timers", "open; Alive 12000"),
        (
            "5 hello: remembers the pid",
            OPENING,
            "hello 8; set idle 1 a",
            "open; close 8 as 1/a; closing/clientNotActive",
        ),
        (
            "5 hello: a further hello while open changes the pid and no state",
            OPEN,
            "hello 8; set idle 1 a",
            "close 8 as 1/a; closing/clientNotActive",
        ),
        (
            "5 hello: a further hello starts the schedule anew",
            "set active 1 a; hello 7; +5000; sent; hello 8",
            "+12000",
            "@12000 alive 8 as 1/a",
        ),
        (
            "5 hello: none within helloMaxDt is a broken stream",
            OPENING,
            "+10000; timers",
            "@10000 drop; Reopen 500",
        ),
        ("5 hello: just in time", OPENING, "+9999; hello 7", "open"),
        ("5 hello: late, of the stream that was given up", OPENING, "+10000; hello 7", "@10000 drop"),
        ("5 alive: only while open", OPENING, "+9999; timers", "Hello 1"),
        ("5 alive: not while closing", CLOSING, "timers", "Close 1000"),
        ("5 alive: after eventSourceSendAliveDt", OPEN, "+11999; +1", "@12000 alive 7 as 1/a"),
        (
            "5 alive: the wait without a crEvent is put off by a crEvent",
            "set active 1 a; hello 7; +5000; sent; from 2 x",
            "+11999; +1",
            "@12000 alive 7 as 1/a",
        ),
        (
            "5 alive D: the wait without a sendevent is not put off by crEvents",
            "set active 1 a; hello 7; +6000; from 2 x",
            "+6000",
            "@6000 alive 7 as 1/a",
        ),
        (
            "5 alive: the wait without a crEvent is not put off by sendevents",
            "set active 1 a; hello 7; +6000; sent",
            "+6000",
            "@6000 alive 7 as 1/a",
        ),
        (
            "5 alive: it starts both waits anew",
            "set active 1 a; hello 7; +12000; alive 7; +6000; sent",
            "+5999; +1",
            "@6000 alive 7 as 1/a",
        ),
        (
            "5 alive: the echo is no crEvent: the next one is due by the last alive",
            "set active 1 a; hello 7; +12000; +3000; alive 7",
            "+9000",
            "@9000 alive 7 as 1/a",
        ),
        (
            "5 alive: again and again",
            OPEN,
            "+12000; alive 7; +12000; alive 7; +12000",
            "@12000 alive 7 as 1/a; @24000 alive 7 as 1/a; @36000 alive 7 as 1/a",
        ),
        (
            "5 alive D: no frame until the next one is due is a broken stream",
            OPEN,
            "+12000; +12000",
            "@12000 alive 7 as 1/a; @24000 drop; @24000 opening",
        ),
        (
            "5 alive D: sendevents do not hide a missed echo",
            OPEN,
            "+12000; +6000; sent; +6000",
            "@12000 alive 7 as 1/a; @24000 drop; @24000 opening",
        ),
        (
            "5 alive D: a crEvent instead of the echo will do",
            OPEN,
            "+12000; from 2 x; +12000",
            "@12000 alive 7 as 1/a; got x from 2 as 1/a; @24000 alive 7 as 1/a",
        ),
        (
            "5 alive D: a hello instead of the echo will do",
            OPEN,
            "+12000; hello 8; +12000",
            "@12000 alive 7 as 1/a; @24000 alive 8 as 1/a",
        ),
        (
            "5 alive D: another pid's echo is none",
            OPEN,
            "+12000; alive 9; +12000",
            "@12000 alive 7 as 1/a; @24000 drop; @24000 opening",
        ),
        (
            "5 alive D: an echo of another stream is none",
            OPEN,
            "+12000; @9 alive 7; +12000",
            "@12000 alive 7 as 1/a; @24000 drop; @24000 opening",
        ),
    ]);
}

#[test]
fn section_5_waking() {
    let asleep = "set active 1 a; hello 7; sleep 17001";
    check(&[
        (
            "5 waking D: a timer more than 5 s late: an alive leaves at once",
            OPEN,
            "sleep 17001",
            "alive 7 as 1/a",
        ),
        (
            "5 waking D: no more than 5 s late is no sleep",
            "set active 1 a; hello 7; sleep 17000",
            "from 2 x",
            "got x from 2 as 1/a",
        ),
        (
            "5 waking D: after a sleep a missing echo breaks nothing yet",
            "set active 1 a; hello 7; +12000",
            "sleep 60000",
            "alive 7 as 1/a",
        ),
        (
            "5 waking D: crEvents before the echo are stale",
            asleep,
            "from 2 x; alive 7; from 2 y",
            "got x from 2 as 1/a stale; got y from 2 as 1/a",
        ),
        (
            "5 waking D: for sendAnswerDt at most",
            asleep,
            "+4999; from 2 x; +1; from 2 y",
            "got x from 2 as 1/a stale; got y from 2 as 1/a",
        ),
        (
            "5 waking D: told by another machine",
            OPEN,
            "woke; from 2 x",
            "alive 7 as 1/a; got x from 2 as 1/a stale",
        ),
        (
            "5 waking D: several late timers are one sleep, with one alive",
            OPEN,
            "woke; woke",
            "alive 7 as 1/a",
        ),
        (
            "5 waking D: the echo of one sleep is not the end of the next",
            "set active 1 a; hello 7; woke; alive 7",
            "+6000; woke; from 2 x",
            "alive 7 as 1/a; got x from 2 as 1/a stale",
        ),
        (
            "5 waking D: still stale while closing",
            "set active 1 a; hello 7; woke; set idle 1 a",
            "from 2 x; +1000",
            "got x from 2 as 1/a stale; @1000 drop; @1000 closed/clientNotActive",
        ),
        (
            "5 waking D: means nothing before hello",
            OPENING,
            "woke; hello 7; from 2 x",
            "open; got x from 2 as 1/a",
        ),
        ("5 waking D: means nothing while closed", "", "woke; state", "closed/clientNotActive"),
    ]);
}

#[test]
fn section_5_closing() {
    let reclosed = "set active 1 a; hello 7; set idle 1 a; set active 1 a";
    check(&[
        (
            "5 closing: before hello the connection is dropped, done",
            OPENING,
            "set idle 1 a; timers",
            "drop; closed/clientNotActive; no timers",
        ),
        (
            "5 closing: close with the credentials of the stream",
            "set active 1 a; hello 7",
            "set active 2 b",
            "close 7 as 1/a; closing/noClientId",
        ),
        (
            "5 closing: ended by closed",
            CLOSING,
            "closed 7; timers",
            "drop; closed/clientNotActive; no timers",
        ),
        ("5 closing: ended by aborted", CLOSING, "aborted 7 releasedByOther", "drop; closed/clientNotActive"),
        ("5 closing: ended by shutdown", CLOSING, "shutdown 7", "drop; closed/clientNotActive"),
        (
            "5 closing: ended by the end of the stream",
            CLOSING,
            "end broken; timers",
            "closed/clientNotActive; no timers",
        ),
        (
            "5 closing: ended by serverInteractionCompleteDt",
            CLOSING,
            "+999; +1; timers",
            "@1000 drop; @1000 closed/clientNotActive; no timers",
        ),
        (
            "5 closing: not by another pid's closed",
            CLOSING,
            "closed 8; aborted 8 x; shutdown 8; state",
            "closing/clientNotActive",
        ),
        (
            "5 closing: not by another stream's end",
            CLOSING,
            "@9 end broken; @9 closed 7; state",
            "closing/clientNotActive",
        ),
        (
            "5 closing: openable again keeps its last why",
            CLOSING,
            "set active 1 a",
            "closing/clientNotActive",
        ),
        ("5 closing: straight to opening by closed", reclosed, "closed 7", "drop; open as 1/a; opening"),
        (
            "5 closing: straight to opening by aborted",
            reclosed,
            "aborted 7 notAuthorized",
            "drop; open as 1/a; opening",
        ),
        ("5 closing: straight to opening by shutdown", reclosed, "shutdown 7", "drop; open as 1/a; opening"),
        ("5 closing: straight to opening by the end", reclosed, "end broken", "open as 1/a; opening"),
        (
            "5 closing: straight to opening by time",
            reclosed,
            "+1000",
            "@1000 drop; @1000 open as 1/a; @1000 opening",
        ),
        (
            "5 closing: setting again does not prolong it",
            "set active 1 a; hello 7; set idle 1 a; +600; set active 1 a",
            "+400",
            "@400 drop; @400 open as 1/a; @400 opening",
        ),
        (
            "5 closing: crEvents are handled, with the stream's credentials",
            "set active 1 a; hello 7; set active 1 b",
            "from 2 x",
            "got x from 2 as 1/a",
        ),
        (
            "5 closing: hello is ignored",
            CLOSING,
            "hello 8; state; closed 8; closed 7",
            "closing/clientNotActive; drop; closed/clientNotActive",
        ),
        ("5 closing: alive is ignored", CLOSING, "alive 7; state", "closing/clientNotActive"),
        ("5 closing: close is sent once", CLOSING, "set idle - -", "closing/clientNotActive"),
    ]);
}

#[test]
fn section_5_changed_client_id_or_access_token() {
    check(&[
        (
            "5 change: another clientId counts as noClientId",
            OPEN,
            "set active 2 a",
            "close 7 as 1/a; closing/noClientId",
        ),
        (
            "5 change: another accessToken counts as noAccessToken",
            OPEN,
            "set active 1 b",
            "close 7 as 1/a; closing/noAccessToken",
        ),
        (
            "5 change: then the values of that moment count",
            "set active 1 a; hello 7; set active 2 b; set active 3 c",
            "closed 7",
            "drop; open as 3/c; opening",
        ),
        (
            "5 change: A, B, A: the old stream still ends first",
            "set active 1 a; hello 7; set active 1 b",
            "set active 1 a; closed 7",
            "closing/noAccessToken; drop; open as 1/a; opening",
        ),
        (
            "5 change: through nothing",
            "set active 1 a; hello 7; set active - a; set active 2 a",
            "closed 7",
            "drop; open as 2/a; opening",
        ),
        (
            "5 change: before hello the connection is dropped, done",
            OPENING,
            "set active 2 a",
            "drop; open as 2/a; opening",
        ),
        (
            "5 change: never two streams: the old one's hello is ignored",
            "set active 1 a; set active 2 a",
            "@1 hello 7; state; hello 8",
            "opening; open",
        ),
        (
            "5 change: while waiting for the next opening",
            "set active 1 a; end broken",
            "set active 2 a",
            "open as 2/a; opening",
        ),
        ("5 change: the same values change nothing", OPEN, "set active 1 a; timers", "open; Alive 12000"),
        (
            "5 change: the same values do not hurry a waiting one",
            "set active 1 a; end noconn",
            "set active 1 a; timers",
            "opening; Reopen 500",
        ),
    ]);
}

#[test]
fn section_5_aborted() {
    let aborted = "set active 1 a; hello 7; +10000; aborted 7 releasedByOther";
    check(&[
        (
            "5 aborted: whatever its pid before hello",
            OPENING,
            "aborted 99 invalidRole",
            "drop; aborted/invalidRole",
        ),
        (
            "5 aborted: with another pid than the current one afterwards it is ignored",
            OPEN,
            "aborted 8 notAuthorized; state",
            "open",
        ),
        (
            "5 aborted: with the former pid after a further hello it is ignored",
            "set active 1 a; hello 7; hello 8",
            "aborted 7 notAuthorized; state; aborted 8 notAuthorized",
            "open; drop; aborted/notAuthorized",
        ),
        ("5 aborted: of another stream it is ignored", OPEN, "@9 aborted 7 notAuthorized; state", "open"),
        (
            "5 aborted: nothing that comes behind it counts",
            aborted,
            "hello 8; from 2 x; shutdown 7; end broken; state",
            "aborted/releasedByOther",
        ),
        (
            "5 aborted D: ends when set anew, also to the same value",
            aborted,
            "set active 1 a",
            "open as 1/a; opening",
        ),
        ("5 aborted: ends when clientId is set anew", aborted, "set active 2 a", "open as 2/a; opening"),
        ("5 aborted: ends when accessToken is set anew", aborted, "set active 1 b", "open as 1/b; opening"),
        ("5 aborted: ends when no longer openable", aborted, "set idle 1 a", "closed/clientNotActive"),
        (
            "5 aborted: set anew ends the wait for another try",
            "set active 1 a; aborted 1 clientIdInUse",
            "set active 1 a; timers",
            "open as 1/a; opening; Hello 10000",
        ),
        (
            "5 aborted: closed ends the wait for another try",
            "set active 1 a; aborted 1 clientIdInUse",
            "set idle 1 a; timers",
            "closed/clientNotActive; no timers",
        ),
    ]);
}

#[test]
fn section_5_waits_for_the_user() {
    for reason in ["invalidRole", "invalidClientId", "invalidAccessToken", "notAuthorized", "somethingNew"] {
        let then = format!("drop; aborted/{reason}; no timers");
        check(&[
            ("5 self-healing: not this one", OPENING, &format!("aborted 1 {reason}; timers"), &then),
            ("5 self-healing: not this one, while open", OPEN, &format!("aborted 7 {reason}; timers"), &then),
        ]);
    }
}

#[test]
fn section_5_self_healing() {
    let overtaken = "drop; aborted/releasedByOther; @1000 open as 1/a; @1000 opening";
    check(&[
        (
            "5 self-healing D: clientNotAlive with backoff",
            OPEN,
            "aborted 7 clientNotAlive; +500",
            "drop; aborted/clientNotAlive; @500 open as 1/a; @500 opening",
        ),
        (
            "5 self-healing D: clientNotAlive doubles",
            "set active 1 a; hello 7; aborted 7 clientNotAlive; +500; hello 8",
            "aborted 8 clientNotAlive; timers",
            "drop; aborted/clientNotAlive; Reopen 1000",
        ),
        (
            "5 self-healing D: clientNotAlive after a good life: back to the start",
            "set active 1 a; end broken; +500; hello 8; +10000",
            "aborted 8 clientNotAlive; timers",
            "drop; aborted/clientNotAlive; Reopen 500",
        ),
        (
            "5 self-healing D: error after 15 s at least",
            "random 0; set active 1 a",
            "end 404; timers",
            "aborted/error; Reopen 15000",
        ),
        (
            "5 self-healing D: error after 60 s at most",
            "random 45000; set active 1 a",
            "end 404; timers",
            "aborted/error; Reopen 60000",
        ),
        (
            "5 self-healing D: error, another try",
            "random 0; set active 1 a; end html",
            "+15000",
            "@15000 open as 1/a; @15000 opening",
        ),
        (
            "5 self-healing D: clientIdInUse after 15 s at least",
            "random 0; set active 1 a",
            "aborted 3 clientIdInUse; timers",
            "drop; aborted/clientIdInUse; Reopen 15000",
        ),
        (
            "5 self-healing D: clientIdInUse after 60 s at most",
            "random 45000; set active 1 a; aborted 3 clientIdInUse",
            "+59999; +1",
            "@60000 open as 1/a; @60000 opening",
        ),
        (
            "5 self-healing D: releasedByOther right after hello, after 1 s",
            OPEN,
            "+9999; aborted 7 releasedByOther; timers; +1000",
            "drop; aborted/releasedByOther; Reopen 1000; @10999 open as 1/a; @10999 opening",
        ),
        (
            "5 self-healing D: releasedByOther right after a further hello",
            "set active 1 a; hello 7; +11000; hello 8",
            "aborted 8 releasedByOther; +1000",
            overtaken,
        ),
        (
            "5 self-healing D: releasedByOther later waits for the user",
            OPEN,
            "+10001; aborted 7 releasedByOther; timers",
            "drop; aborted/releasedByOther; no timers",
        ),
        (
            "5 self-healing D: releasedByOther before hello waits for the user",
            OPENING,
            "aborted 3 releasedByOther; timers",
            "drop; aborted/releasedByOther; no timers",
        ),
        (
            "5 self-healing D: releasedByOther a second time",
            "set active 1 a; hello 7; aborted 7 releasedByOther; +1000; hello 8",
            "aborted 8 releasedByOther; +1000",
            overtaken,
        ),
        (
            "5 self-healing D: releasedByOther at most twice a minute",
            "set active 1 a; hello 7; aborted 7 releasedByOther; +1000; hello 8; aborted 8 releasedByOther; +1000; hello 9",
            "aborted 9 releasedByOther; timers",
            "drop; aborted/releasedByOther; no timers",
        ),
        (
            "5 self-healing D: a minute later again",
            "set active 1 a; hello 7; aborted 7 releasedByOther; +1000; hello 8; aborted 8 releasedByOther; +1000; hello 9; set idle 1 a; +58000; set active 1 a; hello 10",
            "aborted 10 releasedByOther; +1000",
            overtaken,
        ),
        (
            "5 self-healing D: the last one opened holds the clientId, the other comes back with its user",
            "set active 1 a; hello 7; +20000; aborted 7 releasedByOther",
            "+600000; set active 1 a",
            "open as 1/a; opening",
        ),
    ]);
}

#[test]
fn section_5_broken_recycled_refused() {
    check(&[
        ("5 shutdown: with another pid it is ignored", OLD, "shutdown 8; state", "open"),
        ("5 shutdown: before hello it is ignored", OPENING, "shutdown 7; state", "opening"),
        ("5 shutdown: reopens at once after 10 s", OLD, "shutdown 7", "drop; open as 1/a; opening"),
        (
            "5 shutdown: earlier with backoff",
            "set active 1 a; hello 7; +9999",
            "shutdown 7; +500",
            "drop; opening; @500 open as 1/a",
        ),
        ("5 broken D: backoff", OPEN, "end broken; +499; +1", "opening; @500 open as 1/a resume"),
        ("5 broken D: no connection", OPENING, "end noconn; timers", "Reopen 500"),
        ("5 broken D: closed unasked", OPEN, "closed 7; +500", "drop; opening; @500 open as 1/a"),
        ("5 broken D: closed with another pid is ignored", OPEN, "closed 8; state", "open"),
        ("5 broken D: 429", OPENING, "end 429; state; timers", "opening; Reopen 500"),
        ("5 broken D: 500", OPENING, "end 500; state; timers", "opening; Reopen 500"),
        ("5 broken D: 503", OPENING, "end 503; state; timers", "opening; Reopen 500"),
        ("5 broken D: 599", OPENING, "end 599; state; timers", "opening; Reopen 500"),
        (
            "5 broken D: the retry answer, a stream that ends before hello",
            OPENING,
            "retry 1700; end broken; timers",
            "Reopen 1700",
        ),
        ("5 any other answer: 400", OPENING, "end 400", "aborted/error"),
        ("5 any other answer: 404", OPENING, "end 404", "aborted/error"),
        ("5 any other answer: 204", OPENING, "end 204", "aborted/error"),
        ("5 any other answer: 302", OPENING, "end 302", "aborted/error"),
        ("5 any other answer: 600", OPENING, "end 600", "aborted/error"),
        ("5 any other answer: 200 without an event stream", OPENING, "end html", "aborted/error"),
        (
            "5 broken D: Last-Event-ID after a broken stream only",
            OLD,
            "shutdown 7; hello 8; end broken; +500",
            "drop; open as 1/a; opening; open; opening; @500 open as 1/a resume",
        ),
        (
            "5 broken D: Last-Event-ID also when the next try failed",
            "set active 1 a; hello 7; end broken; +500; end 503",
            "+1000",
            "@1000 open as 1/a resume",
        ),
        (
            "5 broken D: Last-Event-ID not after aborted",
            "set active 1 a; hello 7; aborted 7 clientNotAlive",
            "+500",
            "@500 open as 1/a; @500 opening",
        ),
    ]);
}

#[test]
fn section_5_backoff() {
    let thrice = "set active 1 a; end broken; +500; end 503; +1000; end noconn; +2000";
    check(&[
        (
            "5 backoff D: doubling to 15 s",
            thrice,
            "end broken; +4000; end broken; +8000; end broken; +15000; end broken; timers",
            "@4000 open as 1/a; @12000 open as 1/a; @27000 open as 1/a; Reopen 15000",
        ),
        ("5 backoff D: least jitter", "random 0; set active 1 a", "end broken; timers", "Reopen 375"),
        ("5 backoff D: most jitter", "random 500; set active 1 a", "end broken; timers", "Reopen 625"),
        (
            "5 backoff D: jitter of 15 s",
            "random 0; set active 1 a; retry 15000",
            "end broken; timers",
            "Reopen 11250",
        ),
        (
            "5 backoff D: what the last retry said, doubling",
            "set active 1 a; retry 900; retry 2000; end broken; +2000",
            "end broken; timers",
            "Reopen 4000",
        ),
        (
            "5 backoff D: the retry of another stream counts nothing",
            OPENING,
            "@9 retry 9000; end broken; timers",
            "Reopen 500",
        ),
        (
            "5 backoff D: retry never beyond 15 s",
            OPENING,
            "retry 999999999; end broken; timers",
            "Reopen 15000",
        ),
        (
            "5 backoff D: back to the start once a stream has lived for 10 s",
            &format!("{thrice}; hello 7; +10000"),
            "end broken; timers",
            "opening; Reopen 500",
        ),
        (
            "5 backoff D: not back for a shorter life",
            &format!("{thrice}; hello 7; +9999"),
            "end broken; timers",
            "opening; Reopen 4000",
        ),
        (
            "5 backoff D: a further hello is no new life",
            &format!("{thrice}; hello 7; +6000; hello 8; +4000"),
            "end broken; timers",
            "opening; Reopen 500",
        ),
    ]);
}

#[test]
fn section_5_frames_of_streams_that_were_given_up() {
    check(&[
        (
            "5 numbers: a crEvent of a stream that was given up",
            OLD,
            "shutdown 7; hello 8; @1 from 2 x; from 2 y",
            "drop; open as 1/a; opening; open; got y from 2 as 1/a",
        ),
        (
            "5 numbers: the end of a stream that was given up",
            OLD,
            "shutdown 7; hello 8; @1 end broken; state",
            "drop; open as 1/a; opening; open; open",
        ),
        (
            "5 numbers: a hello of a stream that was given up",
            OLD,
            "shutdown 7; @1 hello 7; state",
            "drop; open as 1/a; opening; opening",
        ),
        (
            "5 numbers: an aborted of a stream that was given up",
            OLD,
            "shutdown 7; @1 aborted 7 notAuthorized; state",
            "drop; open as 1/a; opening; opening",
        ),
        (
            "5 numbers: a crEvent behind a broken stream",
            OPEN,
            "end broken; from 2 x; hello 9; state",
            "opening; opening",
        ),
        (
            "5 numbers: crEvents carry no pid and need none",
            "set active 1 a; hello 7; hello 8",
            "from 2 x",
            "got x from 2 as 1/a",
        ),
        ("5 numbers: a crEvent before hello belongs to no pid", OPENING, "from 2 x; state", "opening"),
    ]);
}

#[test]
fn timers_that_were_never_armed_or_fire_early_do_nothing() {
    for timer in crsocket::protocol::time::TimerKind::ALL {
        for given in ["", OPENING, OPEN, CLOSING, "set active 1 a; end broken"] {
            let mut rig = ReceiverRig::new();
            run(&mut rig, given);
            let before = rig.receiver.clone();
            rig.fire(timer);
            assert_eq!(rig.receiver, before, "{timer:?} after {given:?}");
        }
    }
}

#[test]
fn section_5_last_event_id() {
    check(&[
        ("5 resume: the stream was open", OPEN, "end broken; +500", "opening; @500 open as 1/a resume"),
        ("5 resume: it never was", "set active 1 a", "end broken; +500", "@500 open as 1/a"),
        (
            "5 resume: over failed openings",
            OPEN,
            "end broken; +500; end 503; +1000; end noconn; +2000",
            "opening; @500 open as 1/a resume; @1500 open as 1/a resume; @3500 open as 1/a resume",
        ),
        (
            "5 resume: until the next hello",
            OPEN,
            "end broken; +500; hello 8; shutdown 8; +1000",
            "opening; @500 open as 1/a resume; open; drop; opening; @1500 open as 1/a",
        ),
        (
            "5 resume: not for another accessToken",
            OPEN,
            "end broken; set active 1 b",
            "opening; open as 1/b; opening",
        ),
        (
            "5 resume: not for another clientId",
            OPEN,
            "end broken; set active 2 a",
            "opening; open as 2/a; opening",
        ),
        (
            "5 resume: also after a pause",
            OPEN,
            "end broken; set - 1 a; set active 1 a",
            "opening; closed/clientNotActive; open as 1/a resume; opening",
        ),
    ]);
}
