//! Behind nginx, configured as `config/nginx.conf.example` says. Without nginx on this machine nothing is tried, and said
//! so.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::client::{Client, EventStream, Said, get, request};
use crate::process::Server;

const EXAMPLE: &str = include_str!("../../config/nginx.conf.example");

/// The example, in a frame of its own.
struct Nginx {
    child: Child,
    folder: TempDir,
    address: SocketAddr,
}

impl Nginx {
    /// In front of this server; none if there is no nginx.
    fn before(server: &Server) -> Option<Nginx> {
        if Command::new("nginx").arg("-v").stderr(Stdio::null()).status().is_err() {
            println!("nginx is not installed: not tried");
            return None;
        }
        // nginx takes a socket that is open already from its environment: no port can be lost to somebody else.
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("nginx.conf"), FRAME).unwrap();
        fs::write(folder.path().join("site.conf"), site(address, server.address, &folder)).unwrap();
        let child = Command::new("nginx")
            .args(["-p", folder.path().to_str().unwrap(), "-c", "nginx.conf", "-e", "error.log"])
            .env("NGINX", "0;")
            .stdin(OwnedFd::from(socket))
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Some(Nginx { child, folder, address })
    }

    fn logs(&self) -> String {
        let log = |name| fs::read_to_string(self.folder.path().join(name)).unwrap_or_default();
        ["error.log", "crsocket.log", "crsocket-error.log"].map(log).join("\n")
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("the logs of nginx:\n{}", self.logs());
        }
        // Its workers end with it, which they would not if it were killed.
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        let _ = kill_process(pid, Signal::TERM);
        let _ = self.child.wait();
    }
}

const FRAME: &str = "
daemon off; worker_processes 1; user root; pid nginx.pid; error_log error.log;
events { worker_connections 200; }
http {
    client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;
    include site.conf;
}";

fn site(address: SocketAddr, server: SocketAddr, folder: &TempDir) -> String {
    let changed = [
        ("listen 80;", format!("listen {address};")),
        ("listen [::]:80;", String::new()),
        ("server 127.0.0.1:8080;", format!("server {server};")),
        ("/var/log/nginx", folder.path().display().to_string()),
    ];
    changed.iter().fold(EXAMPLE.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "the example has no {from:?}");
        text.replace(from, to)
    })
}

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
