//! Behind nginx, configured as `config/nginx.conf.example` says. Without nginx on this machine nothing is tried, and said
//! so.

use std::net::{Shutdown, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use socket2::SockRef;

use crate::client::{Client, EventStream, Said, connect, get, request};
use crate::peers::{FastSender, SHORT, big_event, files_when_idle, silence, wait_for_files};
use crate::process::{PATIENCE, Server};
use crate::proxy::Nginx;

#[test]
fn frames_pass_nginx_at_once_and_long_events_too() {
    let server = Server::configured("[apps.demo]\n[server]\ntrusted_proxies = [\"127.0.0.1\"]\n");
    let Some(nginx) = Nginx::before(&server) else { return };
    let (mut stream, pid) = Client::responder(nginx.address, "111111").connected();
    // Were frames held back until there are enough, `hello` would not have come.
    let sender = Client::controller(nginx.address, "222222");
    // Every byte takes three: the longest that is accepted.
    let head = "a,,false,false,true,NaN,NaN,222222,";
    let data = format!("{head}{}", ",".repeat(8_192 - head.len()));
    for method in ["GET", "POST"] {
        let target = sender.sendevent("111111", "crEvent", &data);
        assert!(target.len() > 24_000, "{}", target.len());
        let answer = request(nginx.address, method, &target, b"");
        assert_eq!(answer.status, 204, "{method}: {answer:?}");
        assert_eq!(stream.frame().0, "crEvent", "{method}");
    }
    let responder = Client::responder(nginx.address, "111111");
    assert_eq!(responder.send("111111", "close", &pid.to_string()).status, 204);
    assert_eq!(stream.rest(), (vec![("closed".to_owned(), pid.to_string())], true));
    assert_eq!(get(nginx.address, "/crsocket/nobody/eventsource/").status, 404);
}

#[test]
fn while_the_server_is_gone_nginx_tells_eventsources_to_come_back() {
    let server = Server::start();
    let Some(nginx) = Nginx::before(&server) else { return };
    let client = Client::responder(nginx.address, "111111").with_token("only-I-know");
    let (mut stream, _) = client.connected();
    drop(server.kill());
    assert_eq!(stream.rest(), (vec![], false), "an incomplete body: the browser tries again");
    for slash in ["", "/"] {
        let target = format!("/crsocket/demo/eventsource{slash}?{}", client.credentials());
        let answer = get(nginx.address, &target);
        assert_eq!((answer.status, answer.text().as_str()), (200, "retry: 2000\n\n"), "{target}");
        assert_eq!(answer.header("content-type"), Some("text/event-stream"), "{target}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{target}");
    }
    for target in [client.sendevent("222222", "alive", "1"), "/crsocket/demo/clientid/".into(), "/".into()] {
        assert_eq!(get(nginx.address, &target).status, 502, "{target}");
    }
    let logs = nginx.logs();
    assert!(logs.contains("/crsocket/demo/eventsource/") && !logs.contains("only-I-know"), "{logs}");
}

#[test]
fn a_stop_reaches_the_streams_through_nginx() {
    let mut server = Server::start();
    let Some(nginx) = Nginx::before(&server) else { return };
    let mut stream =
        EventStream::open(nginx.address, &Client::responder(nginx.address, "111111").eventsource());
    assert!(matches!(stream.next(), Said::Retry(_)));
    let pid = stream.hello();
    assert!(server.stop().success());
    assert_eq!(stream.rest(), (vec![("shutdown".to_owned(), pid.to_string())], true));
}

/// A stream behind nginx is left in this way; its session must end at once, and its connection be closed.
///
/// nginx watches the connections of its clients. When one ends, or only its sending half, it closes its own connection
/// to the server at once (`proxy_ignore_client_abort` is off), and does not keep it for others, for the answer was not
/// complete. So this takes no longer than without nginx.
fn left_behind_nginx(leave: impl FnOnce(EventStream) -> Option<EventStream>) {
    let server = Server::start();
    let Some(nginx) = Nginx::before(&server) else { return };
    let files = files_when_idle(&server);
    let client = Client::responder(nginx.address, "111111");
    let (stream, pid) = client.connected();
    assert!(server.open_files() > files);
    let begun = Instant::now();
    let kept = leave(stream);
    let line = server.log().wait_for("session of 111111 ended");
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(2), "only after {took:?}");
    assert!(line.contains("Broken"), "{line}");
    wait_for_files(&server, files);
    let (_again, newer) = client.connected();
    assert!(newer > pid, "{newer} after {pid}");
    drop(kept);
}

#[test]
fn a_stream_closed_behind_nginx_ends_its_session_at_once() {
    left_behind_nginx(|stream| {
        drop(stream);
        None
    });
}

#[test]
fn a_stream_reset_behind_nginx_ends_its_session_at_once() {
    left_behind_nginx(|stream| {
        SockRef::from(stream.socket()).set_linger(Some(Duration::ZERO)).unwrap();
        drop(stream);
        None
    });
}

#[test]
fn a_stream_half_closed_behind_nginx_ends_its_session_at_once() {
    left_behind_nginx(|stream| {
        stream.socket().shutdown(Shutdown::Write).unwrap();
        Some(stream)
    });
}

#[test]
fn section_4_ends_a_network_that_falls_silent_behind_nginx_ends_the_session_by_its_age() {
    let server = Server::configured(SHORT);
    let Some(nginx) = Nginx::before(&server) else { return };
    let client = Client::responder(nginx.address, "111111");
    let (stream, pid) = client.connected();
    let begun = Instant::now();
    silence(stream.socket());
    // nginx confirms all that the server writes: only the rules can tell that this client is gone.
    let line = server.log().wait_for("session of 111111 ended");
    let took = begun.elapsed();
    assert!(line.contains("Silent"), "{line}");
    assert!(took > Duration::from_millis(1_000) && took < Duration::from_secs(5), "{took:?}");
    let (mut again, newer) = client.connected();
    assert!(newer > pid, "{newer} after {pid}");
    assert_eq!(client.send("111111", "alive", &newer.to_string()).status, 204);
    assert_eq!(again.next(), Said::frame("alive", newer));
}

/// What senders were answered, and how many bytes of events that was.
#[derive(Debug, Default)]
struct Sent {
    accepted: AtomicU64,
    refused: AtomicU64,
}

impl Sent {
    /// Sends big events to this recipient, as fast as they are answered, until it is told to stop.
    fn flood(&self, address: SocketAddr, sender: &'static str, recipient: &str, stop: &AtomicBool) {
        let target = big_event(address, sender, recipient);
        let mut connection = FastSender::new(address, &target);
        while !stop.load(Ordering::Relaxed) {
            match connection.send() {
                204 => self.accepted.fetch_add(8_000, Ordering::Relaxed),
                429 => self.refused.fetch_add(8_000, Ordering::Relaxed),
                other => panic!("{other}"),
            };
        }
    }
}

/// A pair through the same nginx: each sends to the other, and both read. The longest that a round took.
fn pair_goes_on(address: SocketAddr, stop: &AtomicBool) -> (u32, Duration) {
    let (controller, responder) =
        (Client::controller(address, "900001"), Client::responder(address, "900002"));
    let ((mut controllers, _), (mut responders, _)) = (controller.connected(), responder.connected());
    let (mut rounds, mut slowest) = (0, Duration::ZERO);
    while !stop.load(Ordering::Relaxed) {
        let begun = Instant::now();
        assert_eq!(controller.send_event("900002", "tick"), 204);
        assert_eq!(responders.frame().0, "crEvent");
        assert_eq!(responder.send_event("900001", "tock"), 204);
        assert_eq!(controllers.frame().0, "crEvent");
        // The first round waits until both streams have settled.
        if rounds > 0 {
            slowest = slowest.max(begun.elapsed());
        }
        rounds += 1;
        thread::sleep(Duration::from_millis(20));
    }
    (rounds, slowest)
}

#[test]
fn section_4_a_stalled_reader_behind_nginx_is_bounded_cut_and_comes_back_and_a_pair_goes_on() {
    const ALLOWED: u64 = 4 * 1024 * 1024;
    let mut server = Server::configured(&format!(
        "{SHORT}[limits]\noutput_bytes = 262144\nsend_rate_per_second = 100000\nsend_rate_burst = 100000\n"
    ));
    let Some(nginx) = Nginx::before(&server) else { return };
    let files = files_when_idle(&server);
    let address = nginx.address;
    let client = Client::responder(address, "111111");
    let (stop, flooded) = (AtomicBool::new(false), AtomicBool::new(false));
    let sent = Sent::default();
    let stream = connect(address);
    SockRef::from(&stream).set_recv_buffer_size(4096).unwrap();
    let mut stalled = EventStream::over(stream, &client.eventsource());
    stalled.hello();
    let before = server.resident_bytes();
    let (line, took, rounds, slowest) = thread::scope(|scope| {
        let pair = scope.spawn(|| pair_goes_on(address, &stop));
        // It lives, as far as its own events tell: what ends its session is that it reads nothing.
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                client.send_event("333333", "a");
                thread::sleep(Duration::from_millis(100));
            }
        });
        for sender in ["800001", "800002"] {
            scope.spawn(|| sent.flood(address, sender, client.id, &flooded));
        }
        let deadline = Instant::now() + PATIENCE;
        while sent.refused.load(Ordering::Relaxed) == 0 {
            assert!(Instant::now() < deadline, "nobody was refused: {sent:?}");
            thread::sleep(Duration::from_millis(1));
        }
        let full = Instant::now();
        let line = server.log().wait_for("session of 111111 ended");
        let took = full.elapsed();
        flooded.store(true, Ordering::Relaxed);
        stop.store(true, Ordering::Relaxed);
        let (rounds, slowest) = pair.join().unwrap();
        (line, took, rounds, slowest)
    });
    let grown = server.resident_bytes().saturating_sub(before);
    assert!(line.contains("Stalled") || line.contains("Broken"), "{line}");
    assert!(took < Duration::from_secs(5), "{took:?}");
    // Its output holds 256 KiB, its line 100 events of 8 KB; nginx and the system hold the rest of what was accepted.
    let offered = sent.accepted.load(Ordering::Relaxed) + sent.refused.load(Ordering::Relaxed);
    assert!(offered > 2 * ALLOWED, "only {offered} bytes were sent: that shows nothing");
    assert!(grown < ALLOWED, "memory grew by {grown} bytes when {offered} were sent, {sent:?}");
    assert!(rounds > 5 && slowest < Duration::from_secs(2), "{rounds} rounds, the slowest took {slowest:?}");

    // It comes back, though its former stream still hangs between nginx and itself.
    let (mut stream, pid) = client.connected();
    assert_eq!(client.send("111111", "alive", &pid.to_string()).status, 204);
    while stream.frame() != ("alive".to_owned(), pid.to_string()) {}
    drop(stream);
    // Nor does the server hold the former stream, though its client still does. nginx keeps the connections of the
    // sendevents for 10 s.
    wait_for_files(&server, files);
    drop(stalled);
    server.stop();
    assert!(server.counted("events_refused.output") > 0, "{sent:?}");
    assert_eq!(server.counted("sessions_ended.silent"), 0, "the pair lived");
}
