//! Plain lines: what is printed, and what is said where nothing can be.

use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::net::TcpListener;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use super::admin::{Admin, Manner};
use super::top;

const BLOCK: &str = include_str!("../data/top/block.txt");

fn run(mut command: Command) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command.stdin(Stdio::null()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

/// It fails at its start with these words, and prints nothing else.
#[track_caller]
fn refused(command: Command, parts: &[&str]) {
    let (code, printed, said) = run(command);
    assert_eq!((code, printed.as_str()), (Some(2), ""), "{said}");
    for part in parts {
        assert!(said.contains(part), "{part:?} is missing in: {said}");
    }
    assert!(!said.contains("s3cret"), "the token is shown: {said}");
}

#[test]
fn once_is_one_block() {
    let admin = Admin::start(Manner::Open);
    assert_eq!(run(top(&admin.url(), &["--once"])), (Some(0), BLOCK.to_owned(), String::new()));
    let resources = [
        "/admin/api/stats",
        "/admin/api/sockets?state=!interacting&sort=notInteractingSince&order=asc&limit=10",
    ];
    assert_eq!(admin.seen(), resources.map(|resource| format!("GET {resource} -")));
    let below = format!("{}/", admin.url());
    assert_eq!(run(top(&below, &["--once"])).0, Some(0), "a slash at the end of the address does no harm");
}

#[test]
fn the_token_comes_from_a_file_or_else_from_the_environment() {
    let admin = Admin::start(Manner::Guarded("s3cret"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let file = file.to_str().unwrap();
    fs::write(file, "s3cret\n").unwrap();

    let mut from_environment = top(&admin.url(), &["--once"]);
    from_environment.env("CRSOCKET_ADMIN_TOKEN", "s3cret");
    assert_eq!(run(from_environment), (Some(0), BLOCK.to_owned(), String::new()));
    let mut from_file = top(&admin.url(), &["--once", "--token-file", file]);
    from_file.env("CRSOCKET_ADMIN_TOKEN", "another");
    assert_eq!(run(from_file), (Some(0), BLOCK.to_owned(), String::new()));
    assert!(admin.seen().iter().all(|seen| seen.ends_with(" Bearer s3cret")), "{:?}", admin.seen());
}

#[test]
fn a_missing_or_wrong_token_is_said() {
    let admin = Admin::start(Manner::Guarded("right"));
    refused(
        top(&admin.url(), &["--once"]),
        &["asks for a token (401)", "--token-file FILE", "CRSOCKET_ADMIN_TOKEN"],
    );
    let mut wrong = top(&admin.url(), &["--once"]);
    wrong.env("CRSOCKET_ADMIN_TOKEN", "s3cret");
    refused(wrong, &["does not accept the token of CRSOCKET_ADMIN_TOKEN (401)", "[admin] token"]);

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let name = file.to_str().unwrap();
    refused(top(&admin.url(), &["--token-file", name]), &["--token-file: cannot read", name, "No such file"]);
    fs::write(&file, "s3cret s3cret").unwrap();
    refused(top(&admin.url(), &["--token-file", name]), &[name, "holds no token"]);
    refused(top("http://me:s3cret@127.0.0.1:1", &[]), &["--url", "no address of an admin listener"]);
}

#[test]
fn where_nobody_listens_it_says_so() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    refused(top(&url, &[]), &["cannot reach", &url, "refused", "crsocket serve", "--url"]);
}

#[test]
fn what_is_not_the_admin_interface_is_told_from_another_version_of_it() {
    let admin = Admin::start(Manner::Page);
    refused(
        top(&admin.url(), &[]),
        &["is not the admin interface", "200 OK with text/html of 37 bytes", "[admin] bind"],
    );
    admin.becomes(Manner::OtherVersion);
    refused(top(&admin.url(), &[]), &["the server is 9.9.9", "missing field `uptimeMs`", "version"]);
    admin.becomes(Manner::OtherFilters);
    refused(
        top(&admin.url(), &[]),
        &["state=!interacting", "400 Bad Request: state: \"!interacting\" is none"],
    );
    admin.becomes(Manner::Endless);
    refused(top(&admin.url(), &[]), &["more than 4194304 bytes"]);
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let refused = |args: &[&str], part: &str| refused(top("http://127.0.0.1:1", args), &[part]);
    for seconds in ["0", "-1", "nan", "3601", "soon"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_crsocket"));
        command.args(["top", &format!("--interval={seconds}")]);
        let (code, _, said) = run(command);
        assert!(
            code == Some(2) && said.contains("at least 0.1 and at most 3600 seconds"),
            "{seconds}: {said}"
        );
    }
    refused(&["--token", "s3cre"], "unexpected argument '--token'");
}

/// A running one, read line by line. It is killed when it is dropped.
struct Running {
    child: Child,
    /// Gone with the pipe's end.
    lines: Option<Lines<BufReader<ChildStdout>>>,
}

impl Running {
    fn start(mut command: Command) -> Running {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Running { child, lines: Some(lines) }
    }

    /// The next line that begins so. The test's runner ends a wait that has none.
    fn next(&mut self, start: &str) -> String {
        self.lines.as_mut().unwrap().map(Result::unwrap).find(|line| line.starts_with(start)).unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_server_that_goes_away_is_waited_for() {
    let admin = Admin::start(Manner::Open);
    let mut running = Running::start(top(&admin.url(), &[]));
    running.next("top at=");
    running.next("top at=");
    let address = admin.address;
    drop(admin);
    let lost = running.next("lost ");
    assert!(
        lost.contains("forMs=") && lost.contains("problem=\"") && lost.contains(&address.to_string()),
        "{lost}"
    );
    running.next("lost ");
    let _admin = Admin::at(address, Manner::Open);
    running.next("top at=");
    assert_eq!(running.next("notInteracting"), "notInteracting total=6");
}

#[test]
fn whoever_has_read_enough_ends_it() {
    let admin = Admin::start(Manner::Open);
    let mut running = Running::start(top(&admin.url(), &[]));
    running.next("top at=");
    running.lines = None;
    assert_eq!(running.child.wait().unwrap().code(), Some(0));
}
