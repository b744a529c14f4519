//! Small load tests of the server itself, as continuous integration wants them: nothing may be lost.

use crate::process::Server;
use crate::run::Asked;

const NOTHING: &str = "--max-lost 0 --max-duplicated 0 --max-out-of-order 0 --max-failed 0";

#[test]
fn a_hundred_pairs_over_http_lose_nothing() {
    let server = Server::start();
    let url = format!("http://{}", server.address);
    let setting = "--pairs 100 --rate 2 --ramp 1 --warmup 1 --seconds 5";
    let report = Asked::load(setting).words(NOTHING).at(&url).json().run().with(0).report();
    assert_eq!((report.count("sockets.total"), report.count("sockets.interacting")), (200, 200));
    assert!(report.count("events.received") >= 1_000, "{:#}", report.at("events"));
    assert_eq!(report.count("events.sent"), report.count("events.received"));
}

#[test]
fn a_thousand_pairs_in_one_process_lose_nothing() {
    let setting = "--pairs 1000 --rate 1 --ramp 1 --warmup 1 --seconds 10";
    let report = Asked::load(setting).words(NOTHING).json().run().with(0).report();
    assert_eq!((report.count("sockets.total"), report.count("sockets.interacting")), (2_000, 2_000));
    assert_eq!(report.at("setting.server"), &serde_json::Value::Null);
    assert!(report.count("events.received") >= 9_000, "{:#}", report.at("events"));
    assert!(report.count("pings.maxLateMs") < 20_000, "{:#}", report.at("pings"));
}

/// Reloads on top of what the pairs do.
#[test]
fn pages_that_are_loaded_anew_come_back() {
    let server = Server::start();
    let url = format!("http://{}", server.address);
    // Otherwise whoever comes back waits up to five seconds for the partner's next ping.
    let setting = "--pairs 20 --rate 2 --churn 5 --ramp 0 --warmup 1 --seconds 8 \
        --timing searching_max_event_out_dt=300 --max-duplicated 0 --max-out-of-order 0";
    let report = Asked::load(setting).at(&url).json().run().with(0).report();
    let incidents = report.at("incidents").as_array().unwrap();
    let reloads = incidents.iter().find(|incident| incident["kind"] == "reload");
    let reloads = reloads.unwrap_or_else(|| panic!("no reloads in {incidents:?}"));
    let (count, recovered) = (reloads["count"].as_u64().unwrap(), reloads["recovered"].as_u64().unwrap());
    assert!((15..=90).contains(&count), "some 45 in nine seconds were asked for: {reloads}");
    assert!(recovered * 10 >= count * 6, "{reloads}");
    assert_eq!(report.count("events.lostWithoutIncident"), 0, "{:#}", report.at("events"));
}
