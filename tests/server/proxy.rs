//! nginx as a process of its own, on a free port, configured as `config/nginx.conf.example` says.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::process::Server;

const EXAMPLE: &str = include_str!("../../config/nginx.conf.example");

/// The example, in a frame of its own.
pub struct Nginx {
    child: Child,
    folder: TempDir,
    pub address: SocketAddr,
}

impl Nginx {
    /// In front of this server; none if there is no nginx.
    pub fn before(server: &Server) -> Option<Nginx> {
        if Command::new("nginx").arg("-v").stderr(Stdio::null()).status().is_err() {
            println!("SKIPPED: nginx is not installed");
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

    pub fn logs(&self) -> String {
        let log = |name| fs::read_to_string(self.folder.path().join(name)).unwrap_or_default();
        ["error.log", "crsocket.log", "crsocket-error.log"].map(log).join("\n")
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        if thread::panicking() {
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
