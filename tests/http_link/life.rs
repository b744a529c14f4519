//! The usual life: ids, pairs, events both ways, TLS, many at once, the end.

use std::fs;
use std::path::{Path, PathBuf};

use crsocket::actors::link::http::server::HttpServer;
use crsocket::actors::messages::{News, SetFact};
use crsocket::protocol::action::{Fate, Notice};
use crsocket::protocol::ids::{Assigned, Role};

use crate::process::Server;
use crate::setup::{CONFIG, Client, Proxy, client_id, event, host, run, server_at, until};

/// Texts that have broken others.
fn awkward() -> Vec<Vec<String>> {
    let long = "x".repeat(4_000);
    let params: [&[&str]; 9] = [
        &[],
        &[""],
        &["", ""],
        &["100 %", "%41", "%", "%zz"],
        &["a&b=c", "d+e f", "g#h?i/j", ":retry: 5", "data: x"],
        &["Grüße, nein: Grüße; 猫 👩‍👩‍👧 e\u{301}".split(',').next().unwrap()],
        &["line\nfeed", "carriage\r\nreturn", "tab\t", "nul\0", "\u{feff}bom"],
        &["\"quotes\" 'single' \\back\\", " spaces at the ends "],
        &[&long],
    ];
    params.iter().map(|params| params.iter().map(|&param| param.to_owned()).collect()).collect()
}

async fn talk(controller: &mut Client, responder: &mut Client) {
    for params in awkward() {
        let params: Vec<&str> = params.iter().map(String::as_str).collect();
        pass(controller, responder, &params).await;
        pass(responder, controller, &params).await;
    }
}

async fn pass(from: &mut Client, to: &mut Client, params: &[&str]) {
    let ticket = from.socket.send(event(params));
    let got = to.gets_event().await;
    assert_eq!(got.params.iter().map(|param| &**param).collect::<Vec<_>>(), params);
    assert_eq!((&*got.event_type, &*got.sub_type), ("say", "word"));
    assert!(got.send_ct.is_some() && got.receive_ct.is_some(), "stamped: {got:?}");
    assert_eq!(from.fate(ticket).await, Fate::Understood);
}

/// A server that speaks TLS as localhost: its address, and its certificate's file.
fn tls_server(folder: &Path) -> (Server, String, PathBuf) {
    let certified = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (key, certificate) = (folder.join("key.pem"), folder.join("certificate.pem"));
    fs::write(&key, certified.signing_key.serialize_pem()).unwrap();
    fs::write(&certificate, certified.cert.pem()).unwrap();
    let tls = format!(
        "{CONFIG}[tls]\nbind = \"127.0.0.1:0\"\ncertificate_file = {certificate:?}\nprivate_key_file = {key:?}\n"
    );
    let server = Server::configured(&tls);
    let line = server.log().wait_for(" serves ");
    let address = line.split("https://").nth(1).unwrap().split('/').next().unwrap().to_owned();
    (server, address, certificate)
}

#[test]
fn two_clients_pair_and_awkward_texts_arrive_as_they_left() {
    let server = Server::configured(CONFIG);
    run(async {
        let host = host(server_at(server.address));
        let (mut controller, mut responder) = Client::pair(&host, 100, 101).await;
        talk(&mut controller, &mut responder).await;
    });
}

#[test]
fn the_same_by_tls() {
    let folder = tempfile::tempdir().unwrap();
    let (_server, address, certificate) = tls_server(folder.path());
    let url = format!("https://localhost:{}", address.rsplit(':').next().unwrap());
    run(async {
        let host = host(HttpServer::with_root_certificates(&url, &certificate).unwrap());
        let (mut controller, mut responder) = Client::pair(&host, 100, 101).await;
        talk(&mut controller, &mut responder).await;
    });
}

#[test]
fn a_server_whose_certificate_is_not_trusted_is_not_spoken_with() {
    let folder = tempfile::tempdir().unwrap();
    let (mut server, address, _) = tls_server(folder.path());
    let other = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let path = folder.path().join("other.pem");
    fs::write(&path, other.cert.pem()).unwrap();
    run(async {
        let proxy = Proxy::default();
        let port = proxy.clone().start(address.parse().unwrap()).await.port();
        let url = format!("https://localhost:{port}");
        let host = host(HttpServer::with_root_certificates(&url, &path).unwrap());
        let mut client = Client::new(&host, Role::Responder, Some(7), None);
        client.reaches("connecting").await;
        until("a second attempt", || proxy.connections() >= 2).await;
        assert_eq!(client.socket.summary().unwrap().state.state(), "connecting");
    });
    assert!(server.stop().success());
    assert_eq!(server.counted("sessions_began"), 0);
}

#[test]
fn without_a_client_id_one_is_asked_for() {
    let server = Server::configured(CONFIG);
    run(async {
        let host = host(server_at(server.address));
        let mut client = Client::new(&host, Role::Responder, None, None);
        let given = client
            .hears("a clientId", |news| match news {
                News::Notice(Notice::ClientId(id)) => Some(*id),
                _ => None,
            })
            .await;
        client.reaches("readyToPair/noPartnerClientId").await;
        assert_eq!(client.socket.summary().unwrap().client_id, Some(given));
    });
}

#[test]
fn an_app_that_the_server_does_not_know_leaves_the_client_down() {
    let server = Server::configured(CONFIG);
    run(async {
        let host = host(server_at(server.address));
        let mut client = Client::of_app(&host, "nowhere", Role::Responder, Some(5), None);
        client.reaches("readyToConnect/error").await;
    });
}

/// awc opens at most 100 connections to a host unless it is told otherwise.
#[test]
fn three_hundred_streams_are_open_at_once() {
    let server = Server::configured(CONFIG);
    run(async {
        let host = host(server_at(server.address));
        let mut clients: Vec<Client> =
            (0..300).map(|number| Client::new(&host, Role::Responder, Some(number), None)).collect();
        for client in &mut clients {
            client.reaches("readyToPair").await;
        }
        let all = host.board().count_by_state();
        assert_eq!(all.get("readyToPair"), Some(&300), "{all:?}");
    });
}

#[test]
fn who_is_removed_says_goodbye_and_the_stream_is_closed() {
    let mut server = Server::configured(CONFIG);
    run(async {
        let host = host(server_at(server.address));
        let (controller, mut responder) = Client::pair(&host, 100, 101).await;
        let id = controller.socket.id();
        controller.socket.remove();
        responder.reaches("searching").await;
        until("the end of it", || host.board().get(id).is_none()).await;
        responder.socket.set(SetFact::Partner(Assigned::Nothing));
        responder.reaches("readyToPair").await;
        assert_eq!(host.stop(std::time::Duration::from_secs(10)).await, 0, "all are gone");
        assert!(host.board().is_empty());
    });
    assert!(server.stop().success());
    assert_eq!(server.counted("sessions_ended.closed"), 2, "{}", server.log().text());
}

#[test]
fn a_partner_that_is_cleared_is_told_so() {
    let server = Server::configured(CONFIG);
    run(async {
        let host = host(server_at(server.address));
        let (mut controller, mut responder) = Client::pair(&host, 100, 101).await;
        controller.socket.set(SetFact::Partner(Assigned::Nothing));
        controller.reaches("readyToPair/noPartnerClientId").await;
        responder.reaches("readyToPair/noPartnerClientId").await;
        assert_eq!(responder.socket.summary().unwrap().partner, None);
        controller.socket.set(SetFact::Partner(Assigned::Valid(client_id(101))));
        controller.reaches("interacting").await;
        responder.reaches("interacting").await;
    });
}
