//! SIGHUP reads token files again.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::client::Client;
use crate::process::Server;

/// Puts this list in the place of the former one, as editors do.
fn replace(tokens: &Path, list: &str) {
    let newer = tokens.with_extension("new");
    fs::write(&newer, list).unwrap();
    fs::rename(&newer, tokens).unwrap();
}

#[test]
fn sighup_reads_a_replaced_token_file_who_is_struck_off_is_out_and_who_is_added_gets_in() {
    let folder = tempfile::tempdir().unwrap();
    let tokens = folder.path().join("tokens");
    fs::write(&tokens, "alice\nbob\n").unwrap();
    let server = Server::configured(&format!("[apps.demo]\naccess = \"list\"\ntoken_file = {tokens:?}\n"));
    let alice = Client::responder(server.address, "111111");
    let bob = Client::controller(server.address, "222222").with_token("bob");
    let carol = Client::responder(server.address, "333333").with_token("carol");
    let (mut alices, pid) = alice.connected();
    let (mut bobs, _) = bob.connected();
    assert_eq!(carol.send_event("222222", "a"), 403);
    let (name, data) = carol.stream().frame();
    assert_eq!((name.as_str(), data.ends_with("%2CnotAuthorized%2C0")), ("aborted", true), "{data}");

    replace(&tokens, "bob\ncarol\n");
    server.signal(Signal::HUP);
    server.log().wait_for("reading token files and certificates again");
    assert_eq!(alices.rest(), (vec![("aborted".to_owned(), format!("{pid}%2CnotAuthorized%2C0"))], true));
    assert_eq!(alice.send_event("222222", "a"), 403);
    let (_carols, _) = carol.connected();
    assert_eq!(carol.send_event("222222", "fromCarol"), 204);
    assert_eq!(bobs.frame().0, "crEvent", "who stays on the list keeps the stream");
    let log = server.log().text();
    assert!(!log.contains("alice") && !log.contains("carol"), "a token in the log:\n{log}");
}

/// A list is read, too, when it is seen to have changed, once a second. Right behind such a look only the signal can
/// have been what made the server read.
#[test]
fn sighup_does_not_wait_until_a_change_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let tokens = folder.path().join("tokens");
    fs::write(&tokens, "alice\n").unwrap();
    let server = Server::configured(&format!("[apps.demo]\naccess = \"list\"\ntoken_file = {tokens:?}\n"));
    let client = Client::responder(server.address, "111111");
    // A machine that is busy may be late once.
    let mut took = Vec::new();
    for _ in 0..5 {
        let (mut stream, _) = client.connected();
        // Seen within a second: the list has got one more.
        replace(&tokens, "alice\nbob\n");
        let bob = Client::controller(server.address, "222222").with_token("bob");
        let deadline = Instant::now() + Duration::from_secs(2);
        while bob.send_event("111111", "a") != 204 {
            assert!(Instant::now() < deadline, "a changed list is not seen");
            thread::sleep(Duration::from_millis(5));
        }
        replace(&tokens, "nobody\n");
        let begun = Instant::now();
        server.signal(Signal::HUP);
        while stream.frame().0 != "aborted" {}
        took.push(begun.elapsed());
        replace(&tokens, "alice\n");
        server.signal(Signal::HUP);
        while client.send_event("222222", "a") != 204 {
            assert!(Instant::now() < deadline + Duration::from_secs(4), "the list is not read again");
            thread::sleep(Duration::from_millis(5));
        }
        if took.last().is_some_and(|took| *took < Duration::from_millis(500)) {
            return;
        }
    }
    panic!("SIGHUP is not heeded at once: {took:?}");
}
