//! Section 4, Ends: a graceful stop, and a restart that loses nobody.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::client::{Client, EventStream, Said, connect, get, stalled};
use crate::process::{PATIENCE, Server, command};

#[test]
fn section_4_sigterm_with_1000_streams_each_gets_shutdown_and_a_complete_body() {
    let mut server = Server::configured("[server]\nany_app = true\nshutdown_timeout_ms = 10000\n");
    let mut streams: Vec<(EventStream, u64)> = (0..1_000)
        .map(|number| {
            let target = format!(
                "/crsocket/demo/eventsource/?clientId={number:06}&clientRole=responder&accessToken=a"
            );
            let mut stream = EventStream::open(server.address, &target);
            let pid = stream.hello();
            (stream, pid)
        })
        .collect();
    let begun = Instant::now();
    server.signal(Signal::TERM);
    for (stream, pid) in &mut streams {
        assert_eq!(stream.rest(), (vec![("shutdown".to_owned(), pid.to_string())], true));
    }
    assert!(server.wait().success());
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert_eq!(server.counted("sessions_ended.stopped"), 1_000);
}

#[test]
fn a_reader_that_takes_nothing_does_not_hold_the_stop_up_for_longer_than_it_may_take() {
    let mut server = Server::configured("[apps.demo]\n[server]\nshutdown_timeout_ms = 1500\n");
    let stream = stalled(&Client::responder(server.address, "111111"));
    let begun = Instant::now();
    assert!(server.stop().success());
    let took = begun.elapsed();
    assert!(took >= Duration::from_millis(1_400) && took < Duration::from_secs(6), "{took:?}");
    server.log().wait_for("not everybody took the end of their stream");
    drop(stream);
}

#[test]
fn while_it_stops_streams_are_put_off_and_events_refused() {
    let server = Server::configured("[apps.demo]\n[server]\nshutdown_timeout_ms = 20000\n");
    // Holds the stop up.
    let _stalled = stalled(&Client::responder(server.address, "111111"));
    let sender = Client::controller(server.address, "222222");
    server.signal(Signal::TERM);
    server.log().wait_for("stopping within");
    let deadline = Instant::now() + PATIENCE;
    while sender.send_event("333333", "a") != 503 {
        assert!(Instant::now() < deadline);
    }
    let mut stream = Client::responder(server.address, "444444").stream();
    assert!(matches!(stream.next(), Said::Retry(500..=5000)));
    assert_eq!(stream.next(), Said::End);
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut server = Server::configured("[apps.demo]\n[server]\nshutdown_timeout_ms = 60000\n");
    let _stalled = stalled(&Client::responder(server.address, "111111"));
    server.signal(Signal::INT);
    server.log().wait_for("stopping within");
    let begun = Instant::now();
    server.signal(Signal::INT);
    server.wait();
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

/// A command whose socket is handed over as systemd does it.
fn with_inherited(listener: &TcpListener, folder: &Path, config: &str) -> Command {
    let served = command(folder, config);
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "exec 3<&0 0</dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec \"$@\"", "sh"])
        .arg(served.get_program())
        .args(served.get_args())
        .env("RUST_LOG", "info")
        .stdin(Stdio::from(OwnedFd::from(listener.try_clone().unwrap())))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    shell
}

/// A request of its own; what came back. A refused connection is an error.
fn attempt(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET /crsocket/demo/clientid/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    if answer.is_empty() {
        return Err(std::io::Error::other("the connection was closed without an answer"));
    }
    Ok(answer)
}

#[test]
fn a_restart_with_an_inherited_socket_refuses_no_request() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut running = with_inherited(&listener, folder.path(), "[apps.demo]\n").spawn().unwrap();
    assert!(attempt(address).unwrap().starts_with("HTTP/1.1 200"));
    let stop = AtomicBool::new(false);
    // The 503 are of a server that stops and still answers.
    let (answered, served, put_off) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        let clients: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        let answer =
                            attempt(address).unwrap_or_else(|error| panic!("a request was lost: {error}"));
                        match answer.get(..12) {
                            Some("HTTP/1.1 200") => served.fetch_add(1, Ordering::Relaxed),
                            Some("HTTP/1.1 503") => put_off.fetch_add(1, Ordering::Relaxed),
                            _ => panic!("{answer}"),
                        };
                        answered.fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        for _ in 0..5 {
            let before = answered.load(Ordering::Relaxed);
            let deadline = Instant::now() + PATIENCE;
            while answered.load(Ordering::Relaxed) < before + 50
                && clients.iter().all(|client| !client.is_finished())
            {
                assert!(Instant::now() < deadline, "no answers any more");
                thread::sleep(Duration::from_millis(5));
            }
            let pid = rustix::process::Pid::from_raw(i32::try_from(running.id()).unwrap()).unwrap();
            rustix::process::kill_process(pid, Signal::TERM).unwrap();
            assert!(running.wait().unwrap().success());
            running = with_inherited(&listener, folder.path(), "[apps.demo]\n").spawn().unwrap();
        }
        stop.store(true, Ordering::Relaxed);
    });
    running.kill().unwrap();
    running.wait().unwrap();
    let (served, put_off) = (served.into_inner(), put_off.into_inner());
    assert!(answered.load(Ordering::Relaxed) >= 250);
    assert!(served > 9 * put_off, "{served} were served, {put_off} were put off");
}

#[test]
fn an_address_in_use_is_said_plainly() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = command(folder.path(), "[apps.demo]\n").args(["--bind", &address]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2));
    assert!(said.contains(&address) && said.contains("another program"), "{said}");
}

#[test]
fn idle_connections_do_not_hold_a_stop_up() {
    let mut server = Server::start();
    let idle: Vec<TcpStream> = (0..20).map(|_| connect(server.address)).collect();
    let mut used = connect(server.address);
    used.write_all(b"GET /crsocket/demo/clientid/ HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut chunk = [0; 1024];
    assert!(used.read(&mut chunk).unwrap() > 0);
    assert_eq!(get(server.address, "/").status, 200);
    let begun = Instant::now();
    assert!(server.stop().success());
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    drop(idle);
}
