//! `crsocket simulate`.

use std::net::SocketAddr;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::client::{Client, fields, get};
use crate::double::{Damage, Double, Rule};
use crate::process::Server;
use crate::run::Asked;
use crate::terminal::Terminal;

/// What other tools rely on.
const RELIED_ON: [&str; 7] = [
    "sockets.interacting",
    "sockets.total",
    "memory.bytesPerSocket",
    "cpu.cores",
    "pings.maxLateMs",
    "events.perSecond",
    "secondsUntilAllInteracting",
];

#[test]
fn it_ends_by_itself_and_writes_its_figures() {
    let ended = Asked::simulate("--pairs 50 --ramp 0 --seconds 3").json().run().with(0);
    let report = ended.report();
    for name in RELIED_ON {
        assert!(report.at(name).is_number(), "{name} is {}", report.at(name));
    }
    assert_eq!((report.count("sockets.total"), report.count("sockets.interacting")), (100, 100));
    assert!(report.number("secondsUntilAllInteracting") < 3.0);
    let lines: Vec<&str> = ended.out.lines().collect();
    assert!(lines.len() >= 2 && lines.iter().any(|line| line.contains("interacting")), "{}", ended.out);
    assert!(!ended.out.contains('\u{1b}') && !ended.out.contains('\r'), "{:?}", ended.out);
}

#[test]
fn what_is_lost_is_reckoned_here_too() {
    let double = Double::that([Rule::every(5, Damage::Drop)]);
    let chatter = "name = \"chatter\"\n[controller]\ndoes = \"chatter\"\nevery = { constant_ms = 50 }\n\
        [responder]\ndoes = \"idle\"\n[timing]\nmin_cr_event_dt = 0\n";
    let words = "--pairs 5 --ramp 0 --seconds 3 --scenario chatter.toml";
    let asked = Asked::simulate(words).file("chatter.toml", chatter).at(&double.url()).json();
    let report = asked.run().with(0).report();
    let did = double.did();
    assert!(did.dropped > 10, "{did:?}");
    let lost = (report.count("events.lost"), report.count("events.sent"), report.count("events.received"));
    assert_eq!(lost, (did.dropped, did.came, did.delivered), "{did:?}: {:#}", report.at("events"));
}

#[test]
fn ctrl_c_ends_it_with_its_figures() {
    let server = Server::start();
    let url = format!("http://{}", server.address);
    for signal in [Signal::INT, Signal::TERM] {
        let asked = || Asked::simulate("--pairs 10 --ramp 0").json();
        for running in [asked().at(&url).start(), asked().start()] {
            running.line_with("all interacting after");
            running.signal(signal);
            let report = running.ended().with(0).report();
            assert_eq!((report.count("sockets.total"), report.count("sockets.interacting")), (20, 20));
        }
    }
}

#[test]
fn in_a_terminal_it_shows_how_they_are() {
    let (command, _folder) = Asked::simulate("--pairs 10 --ramp 0").into_parts();
    let mut terminal = Terminal::run(command, 100, 30);
    terminal.wait_for("interacting", 0);
    terminal.signal(Signal::INT);
    let status = terminal.ended();
    assert_eq!(status.code(), Some(0), "{:?}", terminal.text());
    assert!(terminal.text().contains('\u{1b}'), "{:?}", terminal.text());
    assert!(terminal.is_as_before(), "the modes of the terminal are not as before");
}

#[test]
fn its_admin_api_shows_the_same_crsockets() {
    let running = Asked::simulate("--pairs 5 --ramp 0 --admin 127.0.0.1:0").start();
    let line = running.line_with("admin at http://");
    let address = line.split("http://").nth(1).and_then(|rest| rest.split('/').next());
    let address: SocketAddr =
        address.and_then(|address| address.parse().ok()).unwrap_or_else(|| panic!("{line}"));
    crate::until("ten crSockets, interacting", || {
        let answer = get(address, "/admin/api/sockets?limit=100");
        let list: Value = serde_json::from_slice(&answer.body).unwrap();
        let sockets = list["sockets"].as_array().unwrap();
        let interacting = sockets.iter().filter(|socket| socket["state"] == "interacting").count();
        if (sockets.len(), interacting) == (10, 10) { Ok(()) } else { Err(list.to_string()) }
    });
    let stats: Value = serde_json::from_slice(&get(address, "/admin/api/stats").body).unwrap();
    assert_eq!(stats["sockets"]["total"], json!(10), "{stats}");
    running.signal(Signal::INT);
    running.ended().with(0);
}

/// A controller elsewhere, such as a person at a page, pairs with them.
#[test]
fn single_responders_say_their_client_ids_and_answer() {
    let server = Server::configured("[apps.demo]\npairing = \"any\"\n");
    let url = format!("http://{}", server.address);
    let running = Asked::simulate("--pairs 0 --responders 2 --ramp 0").at(&url).start();
    let line = running.line_with("responder ");
    let id = line.strip_prefix("responder ").unwrap_or_else(|| panic!("{line}")).to_owned();
    let id: &'static str = Box::leak(id.into_boxed_str());
    let controller = Client::controller(server.address, "900001").with_token("demo");
    let (mut stream, _) = controller.connected();
    let ping = "ping,,false,false,true,1,NaN,900001";
    assert_eq!(controller.send(id, "crEvent", ping).status, 204);
    let (_, data) = stream.frame();
    assert_eq!((fields(&data)[0].as_str(), fields(&data)[7].as_str()), ("ping", id));
    let stimulus = "stimulus,,false,false,true,1,NaN,900001,0,0,0";
    assert_eq!(controller.send(id, "crEvent", stimulus).status, 204);
    let answered = loop {
        let event = fields(&stream.frame().1);
        if event[0] != "ping" {
            break event;
        }
    };
    assert_eq!(answered[0], "response", "{answered:?}");
    running.signal(Signal::INT);
    running.ended().with(0);
}
