//! The double is right about what it does: otherwise it would prove nothing.

use std::net::TcpStream;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::client::{Client, EventStream, Said, fields, get};
use crate::double::{Damage, Did, Double, Rule};

const SENDER: &str = "700001";
const RECIPIENT: &str = "700002";

/// A pair at a double.
struct Pair {
    sender: Client,
    stream: EventStream,
}

impl Pair {
    fn at(double: &Double) -> Pair {
        let (stream, _) = Client::responder(double.address, RECIPIENT).connected();
        Pair { sender: Client::controller(double.address, SENDER), stream }
    }

    fn send(&self, event_type: &str) -> u16 {
        self.sender.send_event(RECIPIENT, event_type)
    }

    /// Sends these, and a ping behind them; the types that arrive before the ping.
    fn arrive(&mut self, event_types: &[&str]) -> Vec<String> {
        for event_type in event_types {
            self.send(event_type);
        }
        self.until_ping()
    }

    fn until_ping(&mut self) -> Vec<String> {
        assert_eq!(self.send("ping"), 204);
        let mut arrived = Vec::new();
        loop {
            let (name, data) = self.stream.frame();
            assert_eq!(name, "crEvent");
            match fields(&data)[0].as_str() {
                "ping" => return arrived,
                other => arrived.push(other.to_owned()),
            }
        }
    }
}

#[track_caller]
fn arrives(damage: Damage, expected: &[&str], did: Did) {
    let double = Double::that([Rule::nth(2, damage)]);
    let mut pair = Pair::at(&double);
    assert_eq!(pair.arrive(&["a", "b", "c", "d"]), expected);
    assert_eq!(double.did(), Did { came: 4, streams: 1, ..did });
}

#[test]
fn without_rules_it_relays_everything() {
    let double = Double::honest();
    let mut pair = Pair::at(&double);
    assert_eq!(pair.arrive(&["a", "b", "c"]), ["a", "b", "c"]);
    assert_eq!(double.did(), Did { came: 3, delivered: 3, streams: 1, ..Did::default() });
}

#[test]
fn it_drops_duplicates_and_swaps_what_it_is_told_to() {
    arrives(Damage::Drop, &["a", "c", "d"], Did { delivered: 3, dropped: 1, ..Did::default() });
    arrives(
        Damage::Duplicate,
        &["a", "b", "b", "c", "d"],
        Did { delivered: 4, duplicated: 1, ..Did::default() },
    );
    arrives(
        Damage::DuplicateLater,
        &["a", "b", "c", "b", "d"],
        Did { delivered: 4, duplicated: 1, ..Did::default() },
    );
    arrives(Damage::Swap, &["a", "c", "b", "d"], Did { delivered: 4, swapped: 1, ..Did::default() });
}

#[test]
fn what_is_refused_is_not_delivered() {
    let refused = [(429, 1)].into();
    arrives(Damage::Refuse(429), &["a", "c", "d"], Did { delivered: 3, refused, ..Did::default() });
    let double = Double::that([Rule::every(2, Damage::Refuse(503))]);
    let pair = Pair::at(&double);
    assert_eq!(["a", "b", "c", "d"].map(|event_type| pair.send(event_type)), [204, 503, 204, 503]);
}

#[test]
fn what_is_garbled_has_other_params() {
    let double = Double::that([Rule::all(Damage::Garble)]);
    let mut pair = Pair::at(&double);
    let data = format!("a,sub,false,false,true,1,NaN,{SENDER},1,2,3");
    assert_eq!(pair.sender.send(RECIPIENT, "crEvent", &data).status, 204);
    let (_, data) = pair.stream.frame();
    assert_eq!(fields(&data).join(","), format!("a,sub,false,false,true,1,NaN,{SENDER},4000000000,0,0"));
    assert_eq!(double.did(), Did { came: 1, garbled: 1, streams: 1, ..Did::default() });
}

#[test]
fn a_swap_without_another_one_is_given_up() {
    let double = Double::that([Rule::all(Damage::Swap)]);
    let mut pair = Pair::at(&double);
    pair.send("a");
    let did = double.wait_until("the end of its patience", |did| did.held_in_vain == 1);
    assert_eq!((did.swapped, did.delivered), (0, 1));
    assert_eq!(pair.until_ping(), ["a"]);
}

#[test]
fn delays_keep_the_order() {
    let length = Duration::from_millis(300);
    let began = Instant::now();
    arrives(Damage::Delay(length), &["a", "b", "c", "d"], Did { delivered: 4, delayed: 1, ..Did::default() });
    assert!(began.elapsed() >= length, "{:?}", began.elapsed());
}

#[test]
fn answers_come_late_or_never() {
    let length = Duration::from_millis(300);
    let double = Double::that([Rule::nth(1, Damage::AnswerLate(length)), Rule::nth(2, Damage::NeverAnswer)]);
    let mut pair = Pair::at(&double);
    let began = Instant::now();
    assert_eq!(pair.send("a"), 204);
    assert!(began.elapsed() >= length, "{:?}", began.elapsed());
    let unanswered = pair.sender.clone();
    let _ = std::thread::spawn(move || unanswered.send_event(RECIPIENT, "b"));
    let did = double.wait_until("the one without an answer", |did| did.unanswered == 1);
    assert_eq!((did.answered_late, did.delivered), (1, 2));
    assert_eq!(pair.until_ping(), ["a", "b"]);
}

#[test]
fn alive_is_echoed_and_close_ends_the_stream() {
    let double = Double::honest();
    let client = Client::responder(double.address, RECIPIENT);
    let (mut stream, pid) = client.connected();
    let own = |event_type: &str, pid: u64| client.send(RECIPIENT, event_type, &pid.to_string()).status;
    assert_eq!([own("alive", pid + 1), own("alive", pid)], [204, 204]);
    assert_eq!(stream.next(), Said::frame("alive", pid));
    assert_eq!(own("close", pid), 204);
    assert_eq!([stream.next(), stream.next()], [Said::frame("closed", pid), Said::End]);
    assert_eq!(double.did(), Did { streams: 1, ..Did::default() });
}

#[test]
fn the_newest_stream_of_a_client_id_counts() {
    let double = Double::honest();
    let client = Client::responder(double.address, RECIPIENT);
    let (mut former, old) = client.connected();
    let (_stream, new) = client.connected();
    assert_eq!(
        [former.next(), former.next()],
        [Said::frame("aborted", format!("{old}%2CreleasedByOther%2C{new}")), Said::End]
    );
}

#[test]
fn client_ids_are_given_once_and_some_are_shut_out() {
    let double = Double::that_shuts_out(&["700001"]);
    let ids = [(), ()].map(|()| get(double.address, "/crsocket/any/clientid/").text());
    assert_eq!(ids, ["<clientId value='700001'/>\n", "<clientId value='700002'/>\n"]);
    let mut stream = Client::controller(double.address, "700001").stream();
    assert_eq!([stream.next(), stream.next()], [Said::Retry(500), Said::End]);
    Client::responder(double.address, "700002").connected();
    assert_eq!(double.did(), Did { client_ids: 2, shut_out: 1, streams: 1, ..Did::default() });
}

#[test]
fn it_stands_still_as_a_whole() {
    let length = Duration::from_millis(500);
    let double = Double::that([Rule::nth(1, Damage::StandStill(length))]);
    let pair = Pair::at(&double);
    let began = Instant::now();
    let sender = pair.sender.clone();
    let first = std::thread::spawn(move || sender.send_event(RECIPIENT, "a"));
    double.wait_until("the first one", |did| did.came == 1);
    assert_eq!(pair.send("ping"), 204);
    assert!(began.elapsed() >= length, "{:?}", began.elapsed());
    assert_eq!(first.join().unwrap(), 204);
}

#[test]
fn it_goes_away_and_comes_back_at_the_same_address() {
    let double = Double::honest();
    let mut pair = Pair::at(&double);
    double.goes_away(Duration::from_millis(400));
    assert_eq!(pair.stream.next(), Said::Broken);
    assert!(TcpStream::connect(double.address).is_err(), "connections are refused meanwhile");
    sleep(Duration::from_millis(400));
    let came_back = (0..200).any(|_| {
        sleep(Duration::from_millis(10));
        TcpStream::connect(double.address).is_ok()
    });
    assert!(came_back, "it does not come back");
    let mut pair = Pair::at(&double);
    assert_eq!(pair.arrive(&["a"]), ["a"]);
}
