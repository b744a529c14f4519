//! Servers that stop, die and come back.

use std::net::SocketAddr;

use crsocket::protocol::action::{Fate, Outcome};
use crsocket::protocol::ids::Role;
use tempfile::TempDir;

use crate::process::Server;
use crate::setup::{CONFIG, Client, event, free_address, host, run, server_at};

/// A server at an address that stays the same.
fn at(address: SocketAddr, folder: TempDir) -> Server {
    // Who comes back first may have to wait for the other one.
    Server::at(address, folder, &CONFIG.replace("recipient_wait_dt_ms = 400", "recipient_wait_dt_ms = 20000"))
}

async fn still_speak(controller: &mut Client, responder: &mut Client, text: &str) {
    controller.socket.send(event(&[text]));
    assert_eq!(*responder.gets_event().await.params, [text.into()]);
}

#[test]
fn after_a_server_that_was_killed_both_find_each_other_again_by_themselves() {
    let address = free_address();
    let server = at(address, tempfile::tempdir().unwrap());
    run(async {
        let host = host(server_at(address));
        let (mut controller, mut responder) = Client::pair(&host, 100, 101).await;
        let folder = server.kill();
        controller.reaches("connecting").await;
        responder.reaches("connecting").await;
        let _server = at(address, folder);
        controller.reaches("interacting").await;
        responder.reaches("interacting").await;
        still_speak(&mut controller, &mut responder, "after the crash").await;
    });
}

#[test]
fn after_a_graceful_restart_both_find_each_other_again_by_themselves() {
    let address = free_address();
    let mut server = at(address, tempfile::tempdir().unwrap());
    run(async {
        let host = host(server_at(address));
        let (mut controller, mut responder) = Client::pair(&host, 100, 101).await;
        assert!(server.stop().success());
        let _server = at(address, tempfile::tempdir().unwrap());
        controller.reaches("connecting").await;
        controller.reaches("interacting").await;
        responder.reaches("connecting").await;
        responder.reaches("interacting").await;
        still_speak(&mut controller, &mut responder, "after the restart").await;
    });
}

#[test]
fn a_server_that_is_not_there_yet_is_found_when_it_comes() {
    let address = free_address();
    run(async {
        let host = host(server_at(address));
        let mut with_id = Client::new(&host, Role::Responder, Some(5), None);
        let mut without = Client::new(&host, Role::Responder, None, None);
        with_id.reaches("connecting").await;
        let _server = at(address, tempfile::tempdir().unwrap());
        with_id.reaches("readyToPair").await;
        without.reaches("readyToPair").await;
    });
}

#[test]
fn while_nothing_connects_an_event_is_lost_and_a_buffered_one_waits() {
    let address = free_address();
    let server = at(address, tempfile::tempdir().unwrap());
    run(async {
        let host = host(server_at(address));
        let (mut controller, mut responder) = Client::pair(&host, 100, 101).await;
        let folder = server.kill();
        controller.reaches("connecting").await;
        let lost = controller.socket.send(event(&["lost"]));
        let fate = controller.fate(lost).await;
        assert_eq!(fate, Fate::Lost(Outcome::NoConnection));
        let kept = controller.socket.send(event(&["kept"]).buffered());
        let fates = [
            controller.next_fate(kept).await,
            controller.next_fate(kept).await,
            controller.next_fate(kept).await,
        ];
        assert_eq!(fates, [Fate::Queued, Fate::Sent, Fate::Buffered]);
        let _server = at(address, folder);
        assert_eq!(*responder.gets_event().await.params, ["kept".into()]);
        assert_eq!(controller.fate(kept).await, Fate::Understood);
    });
}
