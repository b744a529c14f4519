//! Clients that the server hosts itself.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::client::{Client, Said, fields};
use crate::process::{PATIENCE, Server};

const SHORT: &str = "[timing]\ninteracting_max_event_out_dt_ms = 300\nsearching_max_event_out_dt_ms = 200\n\
    partner_active_max_event_in_dt_ms = 1000\nrelease_dt_ms = 500\nmin_cr_event_dt_ms = 10\nhello_settle_dt_ms = 10\n";

#[test]
fn pairs_find_each_other_and_are_named_in_the_log() {
    let hosted =
        "[apps.demo]\n[[hosted]]\napp = \"demo\"\naccess_token = \"geheim\"\npairs = 3\ncontrollers = 1\n";
    let mut server = Server::configured(&format!("{hosted}{SHORT}"));
    server.log().wait_for("both hosted here, are interacting");
    server.log().wait_for("controller");
    assert!(server.stop().success());
    // Six that interact, one that waits, all of whom said goodbye.
    assert_eq!(server.counted("sessions_ended.closed"), 7, "{}", server.log().text());
    assert!(!server.log().text().contains("geheim"), "no secret reaches the log");
}

/// A browser's controller pairs with a hosted responder, which answers what it gets, and lets go of it by releaseDt.
#[test]
fn a_hosted_responder_waits_for_a_controller_answers_it_and_lets_it_go() {
    let hosted = "[apps.demo]\n[[hosted]]\napp = \"demo\"\naccess_token = \"alice\"\nresponders = 1\nbehaviour = \"echo\"\n";
    let server = Server::configured(&format!("{hosted}{SHORT}"));
    let line = server.log().wait_for("hosted here, waits for a controller");
    let responder = line.split("responder ").nth(1).unwrap().split(',').next().unwrap().to_owned();

    let controller = Client::controller(server.address, "000123").with_token("alice");
    let (mut stream, _) = controller.connected();
    let says = |data: &str| assert_eq!(controller.send(&responder, "crEvent", data).status, 204, "{data}");
    says("ping,,false,false,true,1,NaN,000123");
    says("show,word,false,false,true,1,NaN,000123,100 %,%41,,&ü");
    let answer = loop {
        let (name, data) = stream.frame();
        if name == "crEvent" && data.starts_with("show%2C") {
            break data;
        }
    };
    let got = fields(&answer);
    assert_eq!((got[1].as_str(), got[7].as_str()), ("word", responder.as_str()));
    assert_eq!(got[8..], ["100 %", "%41", "", "&ü"]);
    says("inactive,,false,false,true,1,NaN,000123");

    // Another one is rejected until the first is let go.
    let other = Client::controller(server.address, "000124").with_token("alice");
    let (mut stream, _) = other.connected();
    let deadline = Instant::now() + PATIENCE;
    loop {
        assert!(Instant::now() < deadline, "the first controller is never let go");
        other.send(&responder, "crEvent", "ping,,false,false,true,1,NaN,000124");
        match stream.next_within(Duration::from_millis(100)) {
            Some(Said::Frame(_, data)) if data.starts_with("ping") => break,
            Some(Said::Frame(_, data)) => assert!(data.starts_with("reject%2CassignedToOther"), "{data}"),
            _ => {}
        }
    }
}

#[test]
fn their_client_ids_are_kept_like_everybody_elses() {
    let hosted = "[apps.demo]\n[[hosted]]\napp = \"demo\"\naccess_token = \"alice\"\nresponders = 1\n";
    let mut server = Server::configured(hosted);
    server.log().wait_for("waits for a controller");
    assert!(server.stop().success());
    assert_eq!(server.counted("client_ids_given"), 1);
    let store =
        std::fs::read_to_string(crate::process::data_dir(server.folder()).join("client-ids")).unwrap();
    assert!(store.contains("\nreserved 1\n"), "what was not given went back: {store}");
}

#[test]
fn client_ids_that_are_configured_are_the_same_after_a_restart() {
    let hosted = "[apps.demo]\n[[hosted]]\napp = \"demo\"\naccess_token = \"alice\"\npairs = 1\nresponders = 2\n\
        client_ids = [\"482913\", \"482914\", \"000007\"]\n";
    for _ in 0..2 {
        let mut server = Server::configured(hosted);
        server.log().wait_for("controller 482913 and responder 482914, both hosted here, are interacting");
        server.log().wait_for("responder 000007, hosted here, waits for a controller");
        assert!(server.stop().success());
        assert_eq!(server.counted("client_ids_given"), 1, "the one that was left");
    }
}

#[test]
fn hosted_clients_that_are_not_admitted_say_so() {
    let server = Server::configured(
        "[apps.demo]\naccess = \"list\"\ntokens = [\"alice\"]\n[[hosted]]\napp = \"demo\"\naccess_token = \"bob\"\n\
         pairs = 1\nresponders = 1\n",
    );
    server
        .log()
        .wait_for("both hosted here, are readyToConnect/notAuthorized and readyToConnect/notAuthorized");
    server.log().wait_for("hosted here, is readyToConnect/notAuthorized");
}

/// `crsocket` without a command serves, hosts a pair, says so in plain words, keeps nothing, and ends properly.
#[test]
fn without_a_command_it_is_a_demonstration() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_crsocket"))
        .current_dir(folder.path())
        .env("CRSOCKET__SERVER__BIND", "127.0.0.1:0")
        .env("CRSOCKET__ADMIN__BIND", "127.0.0.1:0")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let told = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let mut heard = Vec::new();
    for line in told {
        let paired = line.contains("are interacting");
        heard.push(line);
        if paired {
            break;
        }
    }
    let last = heard.last().map(String::as_str).unwrap_or_default();
    assert!(last.starts_with("app demo: controller ") && last.contains(" are interacting"), "{heard:?}");
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    let mut said = String::new();
    child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(said.contains("Open http://127.0.0.1:"), "{said}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is kept");
}

#[test]
fn a_demonstration_says_plainly_that_its_address_is_in_use() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_crsocket"))
        .env("CRSOCKET__SERVER__BIND", taken.local_addr().unwrap().to_string())
        .env("CRSOCKET__ADMIN__BIND", "")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("another program does so already"), "{said}");
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty(), "{output:?}");
}
