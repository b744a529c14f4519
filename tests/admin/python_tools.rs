//! Python tools, which `.ci/python` installs.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/admin/python");

/// A program of theirs.
pub fn program(name: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let (home, wanted) = (target.join("python"), Path::new(HERE).join("requirements.txt"));
    let installed = std::fs::read_to_string(home.join("installed.txt")).unwrap_or_default();
    assert!(
        installed == std::fs::read_to_string(wanted).unwrap(),
        "the Python tools of tests/admin/python/requirements.txt are not in {}: run `bash .ci/python`, which needs Python \
         3.10 or later with venv (on Debian: apt-get install python3-venv)",
        home.display()
    );
    home.join("bin").join(name)
}

/// A file of this folder.
pub fn file(name: &str) -> PathBuf {
    Path::new(HERE).join(name)
}

/// Runs a script of this folder with this input.
pub fn run(script: &str, input: &[u8]) -> Output {
    let mut child = Command::new(program("python"))
        .arg(file(script))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    output
}
