//! The clientId sequence survives: never an id twice, whatever happens to the server or its disk.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

use crate::client::{Client, get};
use crate::process::{PATIENCE, Server, command, data_dir};

const DEMO: &str = "[apps.demo]\n";

/// Asks for a clientId; `None` where the server died meanwhile.
fn ask(address: SocketAddr) -> Option<String> {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect_timeout(&address, Duration::from_secs(5)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    stream
        .write_all(b"GET /crsocket/demo/clientid/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let id = answer.split("<clientId value='").nth(1)?.get(..6)?;
    Some(id.to_owned())
}

#[test]
fn no_id_is_given_twice_though_the_server_is_killed_20_times() {
    let given = Mutex::new(Vec::new());
    let mut folder = tempfile::tempdir().unwrap();
    for _ in 0..20 {
        let server = Server::in_folder(folder, DEMO, |_| {});
        let address = server.address;
        let stop = AtomicBool::new(false);
        folder = thread::scope(|scope| {
            for _ in 0..50 {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        if let Some(id) = ask(address) {
                            given.lock().unwrap().push(id);
                        }
                    }
                });
            }
            let before = given.lock().unwrap().len();
            let deadline = Instant::now() + PATIENCE;
            while given.lock().unwrap().len() < before + 150 {
                assert!(Instant::now() < deadline, "only {} ids", given.lock().unwrap().len() - before);
                thread::sleep(Duration::from_millis(1));
            }
            let folder = server.kill();
            stop.store(true, Ordering::Relaxed);
            folder
        });
    }
    let given = given.into_inner().unwrap();
    let different: BTreeSet<&String> = given.iter().collect();
    assert!(given.len() >= 20 * 150);
    assert_eq!(different.len(), given.len(), "ids were given twice");
}

#[test]
fn a_graceful_stop_gives_back_what_was_reserved() {
    let mut folder = tempfile::tempdir().unwrap();
    let mut given = BTreeSet::new();
    for _ in 0..4 {
        let mut server = Server::in_folder(folder, DEMO, |_| {});
        assert!(given.insert(ask(server.address).unwrap()));
        assert!(server.stop().success());
        folder = server.kill();
    }
    let store = fs::read_dir(data_dir(folder.path())).unwrap().map(|entry| entry.unwrap().path());
    let texts: Vec<String> = store.filter_map(|path| fs::read_to_string(path).ok()).collect();
    assert!(texts.iter().any(|text| text.contains("reserved 4\n")), "{texts:?}");
}

#[test]
fn section_3_a_pid_is_never_given_again_by_a_later_run() {
    let mut folder = tempfile::tempdir().unwrap();
    let mut last = 0;
    for _ in 0..4 {
        let server = Server::in_folder(folder, DEMO, |_| {});
        let (_stream, pid) = Client::responder(server.address, "111111").connected();
        assert!(pid > last, "{pid} after {last}");
        last = pid;
        folder = server.kill();
    }
}

#[test]
fn a_second_server_on_the_same_folder_is_refused() {
    let server = Server::start();
    let output = command(server.folder(), DEMO).args(["--bind", "127.0.0.1:0"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    let folder = data_dir(server.folder());
    assert!(said.contains(&*folder.to_string_lossy()), "{said}");
    assert!(said.contains(&server.pid().to_string()), "it says which process has it: {said}");
    assert_eq!(get(server.address, "/crsocket/demo/clientid/").status, 200);
}

/// A small file system of its own; unmounted when it is dropped.
struct SmallDisk<'a>(&'a Path);

impl SmallDisk<'_> {
    /// `None` where this process may not mount.
    fn mount(at: &Path) -> Option<SmallDisk<'_>> {
        fs::create_dir_all(at).unwrap();
        match mount("tmpfs", at, "tmpfs", MountFlags::empty(), Some(c"size=64k")) {
            Ok(()) => Some(SmallDisk(at)),
            Err(error) => {
                println!("SKIPPED: cannot mount a small disk: {error}");
                None
            }
        }
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let _ = unmount(self.0, UnmountFlags::DETACH);
    }
}

/// Starts a server that must refuse to; what it says.
fn refused(command: &mut Command) -> String {
    let output = command.args(["--bind", "127.0.0.1:0"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    said
}

#[test]
fn a_full_disk_is_a_clear_error_and_no_id_is_given_that_could_repeat() {
    let folder = tempfile::tempdir().unwrap();
    let data = data_dir(folder.path());
    let Some(_disk) = SmallDisk::mount(&data) else { return };
    let server = Server::in_folder(folder, DEMO, |_| {});
    let first = ask(server.address).unwrap();
    // The disk fills up; what is reserved can still be given out, the rest cannot.
    let _ = fs::write(data.join("filler"), vec![0; 256 * 1024]);
    let mut given = BTreeSet::from([first]);
    let refusal = loop {
        let answer = get(server.address, "/crsocket/demo/clientid/");
        match answer.status {
            200 => assert!(given.insert(answer.text()), "an id was given twice"),
            _ => break answer,
        }
        assert!(given.len() < 6_000, "ids are given though nothing can be reserved");
    };
    assert_eq!(refusal.status, 503, "{}", refusal.text());
    assert!(refusal.header("retry-after").is_some());
    server.log().wait_for("no clientId is given out");
    fs::remove_file(data.join("filler")).unwrap();
    let again = ask(server.address).expect("there is room again");
    assert!(given.insert(again));

    // A start on a full disk says so.
    let folder = server.kill();
    let _ = fs::write(data.join("filler"), vec![0; 256 * 1024]);
    let said = refused(&mut command(folder.path(), DEMO));
    assert!(said.contains("No space left") && said.contains(&*data.to_string_lossy()), "{said}");
}

#[test]
fn a_read_only_folder_is_a_clear_error() {
    let folder = tempfile::tempdir().unwrap();
    let data = data_dir(folder.path());
    let Some(disk) = SmallDisk::mount(&data) else { return };
    rustix::mount::mount_remount(disk.0, MountFlags::RDONLY, "").unwrap();
    let said = refused(&mut command(folder.path(), DEMO));
    assert!(said.contains("Read-only") && said.contains(&*data.to_string_lossy()), "{said}");
}
