//! A server that goes away is reported, and is not the end.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use crate::double::{Damage, Double, Rule};
use crate::run::Asked;

#[test]
fn a_server_that_goes_away_and_comes_back_is_an_outage() {
    let double = Double::that([Rule::nth(200, Damage::GoAway(Duration::from_millis(1_500)))]);
    let words = "--pairs 10 --rate 10 --spacing 0 --ramp 0 --warmup 1 --seconds 9";
    // Otherwise those that come back look for each other every five seconds.
    let asked = Asked::load(words).words("--timing searching_max_event_out_dt=500").at(&double.url());
    let report = asked.json().run().with(0).report();
    let outages = report.at("outages").as_array().unwrap();
    assert_eq!(outages.len(), 1, "{outages:?}");
    let (from, to) = (outages[0]["from"].as_f64().unwrap(), outages[0]["to"].as_f64());
    let to = to.unwrap_or_else(|| panic!("it has not ended: {outages:?}"));
    assert!(
        (1.0..7.0).contains(&(to - from)),
        "it was away for 1.5 s, and they were to come back: {outages:?}"
    );
    assert_eq!((report.count("sockets.total"), report.count("sockets.interacting")), (20, 20));
    let count = |name: &str| report.count(&format!("events.{name}"));
    let did = double.did();
    assert_eq!(
        count("sent"),
        count("received") + count("lost") + count("refused"),
        "{:#}",
        report.at("events")
    );
    assert_eq!(
        (count("duplicated"), count("outOfOrder"), count("unexpected")),
        (0, 0, 0),
        "{:#}",
        report.at("events")
    );
    // What was written to a stream that broke may have been lost on the way, but nothing else.
    assert!(count("received") <= did.delivered, "{did:?} {:#}", report.at("events"));
    assert!(did.delivered - count("received") <= 20, "{did:?} {:#}", report.at("events"));
    assert!(count("received") > 500, "it went on afterwards: {:#}", report.at("events"));
    assert!(
        count("intended") > count("sent"),
        "meanwhile there was no way to send: {:#}",
        report.at("events")
    );
    assert!(!report.at("errors").as_array().unwrap().is_empty(), "{:#}", report.at("errors"));
    assert!(report.count("sockets.leftInteracting") >= 20, "{:#}", report.at("sockets"));
}

#[test]
fn a_server_that_never_comes_back_does_not_hold_the_run() {
    let double = Double::that([Rule::nth(50, Damage::GoAway(Duration::from_secs(60)))]);
    let words = "--pairs 5 --rate 10 --spacing 0 --ramp 0 --warmup 0 --seconds 4 --max-lost 1000";
    let report = Asked::load(words).at(&double.url()).json().run().with(0).report();
    assert_eq!(report.count("sockets.interacting"), 0);
    let outages = report.at("outages").as_array().unwrap();
    assert_eq!(outages.len(), 1, "{outages:?}");
    assert!(outages[0]["to"].is_null(), "{outages:?}");
}

#[test]
fn a_server_that_is_not_there_is_told_and_nothing_hangs() {
    // A port that somebody holds, and where nobody listens.
    let held = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    held.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
    let url = format!("http://{}", held.local_addr().unwrap().as_socket().unwrap());
    let ended = Asked::load("--pairs 2 --warmup 0 --seconds 2").at(&url).json().run().with(2);
    assert!(ended.err.contains(&url), "{}", ended.err);
    assert!(!ended.err.contains("panicked"), "{}", ended.err);
}
