//! A server as a process of its own, on a free port, with a folder of its own.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// How long anything may take before a test fails.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// What a server logs.
const LOG: &str = "debug,actix_http=error,actix_server=warn,mio=warn,h2=warn,rustls=warn";

/// The admin part has an address of its own, which would be that of all servers.
pub const NO_ADMIN: [&str; 2] = ["--admin-bind", ""];

/// Where a server listens unless something else is said.
const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A running server. It is killed when it is dropped.
pub struct Server {
    child: Child,
    log: Arc<Log>,
    folder: TempDir,
    pub address: SocketAddr,
}

/// What a server has written to standard error.
#[derive(Default)]
pub struct Log {
    lines: Mutex<(Vec<String>, bool)>,
    grew: Condvar,
}

impl Server {
    /// With one app `demo`, and nothing else but the defaults.
    pub fn start() -> Server {
        Server::configured("[apps.demo]\n")
    }

    /// With this configuration.
    pub fn configured(config: &str) -> Server {
        Server::at(ANY_PORT, tempfile::tempdir().unwrap(), config)
    }

    /// With this configuration, in this folder, and whatever else is done to its command.
    pub fn in_folder(folder: TempDir, config: &str, change: impl FnOnce(&mut Command)) -> Server {
        let mut command = command(folder.path(), config);
        command.args(["--bind", &ANY_PORT.to_string()]);
        change(&mut command);
        Server::run(command, folder)
    }

    /// With this configuration, in this folder, at this address.
    pub fn at(address: SocketAddr, folder: TempDir, config: &str) -> Server {
        let mut command = command(folder.path(), config);
        command.args(["--bind", &address.to_string()]);
        Server::run(command, folder)
    }

    /// With this configuration, and the admin part on a free port.
    pub fn with_admin(config: &str) -> Server {
        Server::in_folder(tempfile::tempdir().unwrap(), config, |command| {
            command.args(["--admin-bind", &ANY_PORT.to_string()]);
        })
    }

    /// Where its admin part listens.
    pub fn admin(&self) -> SocketAddr {
        let line = self.log.wait_for("admin at http://");
        let address =
            line.split("admin at http://").nth(1).and_then(|rest| rest.split('/').next()?.parse().ok());
        address.unwrap_or_else(|| panic!("no address in {line:?}"))
    }

    /// `crsocket demo` at this address.
    pub fn demo(address: SocketAddr) -> Server {
        Server::demo_with(address, |_| ())
    }

    /// The same, and whatever else is done to its command.
    pub fn demo_with(address: SocketAddr, change: impl FnOnce(&mut Command)) -> Server {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_crsocket"));
        command.arg("demo").args(["--bind", &address.to_string()]).args(NO_ADMIN).current_dir(folder.path());
        command.env("RUST_LOG", LOG).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        change(&mut command);
        Server::run(command, folder)
    }

    /// What a stopped server has written to standard output, where that is kept.
    pub fn said(&mut self) -> String {
        let mut said = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        said
    }

    fn run(mut command: Command, folder: TempDir) -> Server {
        let mut child = command.spawn().unwrap();
        let log = Log::of(&mut child);
        let line = log.wait_for(" serves ");
        let address = line.split("http").nth(1).and_then(|rest| {
            rest.trim_start_matches("s").strip_prefix("://")?.split('/').next()?.parse().ok()
        });
        let address = address.unwrap_or_else(|| panic!("no address in {line:?}"));
        Server { child, log, folder, address }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn log(&self) -> &Arc<Log> {
        &self.log
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// SIGTERM, and its exit status.
    pub fn stop(&mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.wait()
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "the server does not end; its log:\n{}", self.log.text());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// `kill -9`. Its folder stays.
    pub fn kill(mut self) -> TempDir {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap())
    }

    /// What it holds of memory, in bytes: the resident set.
    pub fn resident_bytes(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    /// How many open files it has.
    pub fn open_files(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap().count()
    }

    /// A number that the server counted, from the last line of its log; for a stopped server.
    pub fn counted(&self, name: &str) -> u64 {
        let line = self.log.wait_for("stopped; counted: ");
        let counts = line.split("counted: ").nth(1).unwrap_or_default();
        let count = counts.split(", ").find_map(|count| count.strip_prefix(name)?.strip_prefix(' '));
        count.map_or(0, |count| count.parse().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            println!("the log of the server:\n{}", self.log.text());
        }
    }
}

/// A command that serves this configuration from this folder.
pub fn command(folder: &Path, config: &str) -> Command {
    let file = folder.join("crsocket.toml");
    fs::write(&file, config).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_crsocket"));
    command
        .arg("serve")
        .arg("--config")
        .arg(&file)
        .arg("--data-dir")
        .arg(data_dir(folder))
        .args(NO_ADMIN)
        .env("RUST_LOG", LOG)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

/// Where the servers of this folder keep their clientIds.
pub fn data_dir(folder: &Path) -> PathBuf {
    folder.join("data")
}

impl Log {
    fn of(child: &mut Child) -> Arc<Log> {
        let log = Arc::<Log>::default();
        let reader = BufReader::new(child.stderr.take().unwrap());
        let writer = Arc::clone(&log);
        thread::spawn(move || {
            for line in reader.lines().map_while(Result::ok) {
                writer.lines.lock().unwrap().0.push(line);
                writer.grew.notify_all();
            }
            writer.lines.lock().unwrap().1 = true;
            writer.grew.notify_all();
        });
        log
    }

    pub fn text(&self) -> String {
        self.lines.lock().unwrap().0.join("\n")
    }

    /// The first line that holds this text.
    pub fn wait_for(&self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        let mut lines = self.lines.lock().unwrap();
        loop {
            if let Some(line) = lines.0.iter().find(|line| line.contains(text)) {
                return line.clone();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!lines.1 && !left.is_zero(), "no line with {text:?} in the log:\n{}", lines.0.join("\n"));
            lines = self.grew.wait_timeout(lines, left).unwrap().0;
        }
    }
}
