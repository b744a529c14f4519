//! Peers that go away, politely or not, and peers that do not read: their sessions and memory come free, and nobody else
//! notices (section 4, Ends and Bounds).

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use socket2::{SockFilter, SockRef, Socket};

use crate::client::{Client, EventStream, Said, connect, get, stalled};
use crate::process::{PATIENCE, Server};

/// Waits until the server holds no more open files than before.
pub fn wait_for_files(server: &Server, at_most: usize) {
    let deadline = Instant::now() + PATIENCE;
    while server.open_files() > at_most {
        assert!(Instant::now() < deadline, "{} open files, {at_most} before", server.open_files());
        thread::sleep(Duration::from_millis(10));
    }
}

/// How many open files the server has when it serves, and nobody is connected.
pub fn files_when_idle(server: &Server) -> usize {
    assert_eq!(get(server.address, "/").status, 200);
    let mut files = server.open_files();
    loop {
        thread::sleep(Duration::from_millis(50));
        let again = server.open_files();
        if again == files {
            return files;
        }
        files = again;
    }
}

/// A stream is left in this way; its session must end at once, and its connection be closed.
fn left(leave: impl FnOnce(EventStream) -> Option<EventStream>) {
    let server = Server::start();
    let files = files_when_idle(&server);
    let (stream, _) = Client::responder(server.address, "111111").connected();
    assert!(server.open_files() > files);
    let begun = Instant::now();
    let kept = leave(stream);
    server.log().wait_for("session of 111111 ended");
    assert!(begun.elapsed() < Duration::from_secs(8), "only after {:?}", begun.elapsed());
    assert!(server.log().wait_for("session of 111111 ended").contains("Broken"));
    wait_for_files(&server, files);
    drop(kept);
}

#[test]
fn a_closed_stream_ends_its_session_at_once() {
    left(|stream| {
        drop(stream);
        None
    });
}

#[test]
fn a_reset_stream_ends_its_session_at_once() {
    left(|stream| {
        SockRef::from(stream.socket()).set_linger(Some(Duration::ZERO)).unwrap();
        drop(stream);
        None
    });
}

#[test]
fn a_half_closed_stream_ends_its_session_at_once() {
    left(|stream| {
        stream.socket().shutdown(Shutdown::Write).unwrap();
        Some(stream)
    });
}

/// Lets nothing through to this socket any more: its peer hears nothing, not even that something arrived.
pub fn silence(stream: &TcpStream) {
    // One instruction of the packet filter: return 0, keep no byte of the packet.
    const RETURN: u16 = 0x06;
    let socket = Socket::from(stream.try_clone().unwrap());
    socket.attach_filter(&[SockFilter::new(RETURN, 0, 0, 0)]).unwrap();
}

/// Heartbeats and silences that a test can wait for.
pub const SHORT: &str = "[apps.demo]\n[server]\nheartbeat_ms = 300\n[timing]\nmax_prev_alive_dt_ms = 1500\n\
                     event_source_send_alive_dt_ms = 700\n";

#[test]
fn a_network_that_falls_silent_frees_session_and_connection() {
    let server = Server::configured(SHORT);
    let files = files_when_idle(&server);
    let (stream, _) = Client::responder(server.address, "111111").connected();
    silence(stream.socket());
    server.log().wait_for("session of 111111 ended");
    wait_for_files(&server, files);
}

#[test]
fn a_dead_stream_is_found_though_its_client_goes_on_sending() {
    let server = Server::configured(SHORT);
    let client = Client::responder(server.address, "111111");
    let (stream, _) = client.connected();
    silence(stream.socket());
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !ended.load(Ordering::Relaxed) {
                client.send_event("222222", "a");
                thread::sleep(Duration::from_millis(100));
            }
        });
        let line = server.log().wait_for("session of 111111 ended");
        ended.store(true, Ordering::Relaxed);
        assert!(line.contains("Broken"), "TCP_USER_TIMEOUT finds it: {line}");
    });
}

/// Sends one request after the other, as fast as they are answered, on one connection for as long as it is kept.
pub struct FastSender {
    address: SocketAddr,
    stream: TcpStream,
    request: Vec<u8>,
}

impl FastSender {
    pub fn new(address: SocketAddr, target: &str) -> FastSender {
        FastSender { address, stream: connect(address), request: FastSender::request(target) }
    }

    fn request(target: &str) -> Vec<u8> {
        format!("POST {target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n").into_bytes()
    }

    pub fn send(&mut self) -> u16 {
        self.stream.write_all(&self.request).unwrap();
        let mut answer = Vec::new();
        let mut chunk = [0; 4096];
        loop {
            let len = self.stream.read(&mut chunk).unwrap();
            assert!(len > 0, "closed after {:?}", String::from_utf8_lossy(&answer));
            answer.extend_from_slice(&chunk[..len]);
            let text = String::from_utf8_lossy(&answer).into_owned();
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let head = head.to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                if head.lines().any(|line| line == "connection: close") {
                    self.stream = connect(self.address);
                }
                return head.split(' ').nth(1).unwrap().parse().unwrap();
            }
        }
    }
}

/// An event of 8 KB for this recipient.
pub fn big_event(address: SocketAddr, sender: &'static str, recipient: &str) -> String {
    let sender = Client { address, app: "demo", id: sender, role: "controller", token: "a" };
    sender.sendevent(
        recipient,
        "crEvent",
        &format!("a,,false,false,true,1,NaN,{},{}", sender.id, "x".repeat(8_000)),
    )
}

#[test]
fn section_4_bounds_500_stalled_readers_cost_no_more_than_the_bounds() {
    const STALLED: usize = 500;
    const ALL_OUTPUTS: u64 = 24 * 1024 * 1024;
    let mut server = Server::configured(&format!(
        "[server]\nany_app = true\n[limits]\nall_outputs_bytes = {ALL_OUTPUTS}\noutput_bytes = 262144\n\
         send_rate_per_second = 100000\nsend_rate_burst = 100000\n"
    ));
    let address = server.address;
    let stalled: Vec<EventStream> = (0..STALLED)
        .map(|number| {
            let stream = connect(address);
            SockRef::from(&stream).set_recv_buffer_size(4096).unwrap();
            let target = format!(
                "/crsocket/demo/eventsource/?clientId={number:06}&clientRole=responder&accessToken=a"
            );
            let mut stream = EventStream::over(stream, &target);
            stream.hello();
            stream
        })
        .collect();
    let (mut bystander, _) = Client::responder(address, "900001").connected();
    let before = server.resident_bytes();
    let stop = AtomicBool::new(false);
    let (accepted, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let slowest = thread::scope(|scope| {
        for (part, sender) in ["800001", "800002", "800003", "800004"].into_iter().enumerate() {
            let (stop, accepted, refused) = (&stop, &accepted, &refused);
            scope.spawn(move || {
                let mut numbers = (0..STALLED).filter(|number| number % 4 == part).cycle();
                let target = |number: usize| big_event(address, sender, &format!("{number:06}"));
                let mut connection = FastSender::new(address, &target(part));
                while !stop.load(Ordering::Relaxed) {
                    connection.request = FastSender::request(&target(numbers.next().unwrap()));
                    match connection.send() {
                        204 => accepted.fetch_add(1, Ordering::Relaxed),
                        429 => refused.fetch_add(1, Ordering::Relaxed),
                        other => panic!("{other}"),
                    };
                }
            });
        }
        // Others do not notice.
        let controller = Client::controller(address, "900002");
        let mut slowest = Duration::ZERO;
        let deadline = Instant::now() + PATIENCE;
        let mut after = 0;
        while after < 50 {
            assert!(Instant::now() < deadline, "no sender was refused: {accepted:?}");
            let begun = Instant::now();
            assert_eq!(controller.send_event("900001", "tick"), 204);
            bystander.frame();
            slowest = slowest.max(begun.elapsed());
            after += usize::from(refused.load(Ordering::Relaxed) > 2 * STALLED);
        }
        stop.store(true, Ordering::Relaxed);
        slowest
    });
    assert!(slowest < Duration::from_secs(2), "a bystander waited {slowest:?}");
    // Besides the outputs: what each connection's HTTP layer has taken already, 8 KiB and a frame.
    let grown = server.resident_bytes().saturating_sub(before);
    let allowed = ALL_OUTPUTS * 3 / 2 + (STALLED as u64) * 64 * 1024;
    assert!(grown < allowed, "memory grew by {grown} bytes, {allowed} are allowed");
    drop(stalled);
    drop(bystander);
    server.stop();
    assert!(server.counted("events_refused.output") + server.counted("events_refused.allOutputs") > 0);
}

#[test]
fn section_4_ends_a_stalled_reader_is_cut_when_nothing_could_be_written_for_too_long() {
    let server = Server::configured(SHORT);
    let files = files_when_idle(&server);
    let client = Client::responder(server.address, "111111");
    let stalled = stalled(&client);
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        // It lives, as far as its own events tell.
        scope.spawn(|| {
            while !ended.load(Ordering::Relaxed) {
                client.send_event("333333", "a");
                thread::sleep(Duration::from_millis(100));
            }
        });
        let line = server.log().wait_for("session of 111111 ended");
        ended.store(true, Ordering::Relaxed);
        assert!(line.contains("Stalled") || line.contains("Broken"), "{line}");
    });
    wait_for_files(&server, files);
    drop(stalled);
    // Its client comes back.
    let (mut stream, pid) = client.connected();
    assert_eq!(client.send("111111", "alive", &pid.to_string()).status, 204);
    assert_eq!(stream.next(), Said::frame("alive", pid));
}
