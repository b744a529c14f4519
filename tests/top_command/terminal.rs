//! A terminal of its own for a program under test.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags, open};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Termios, Winsize, tcgetattr, tcsetwinsize};

use super::PATIENCE;

/// What was written to a terminal so far, and whether that is all.
#[derive(Default)]
struct Written {
    bytes: Mutex<(Vec<u8>, bool)>,
    grew: Condvar,
}

/// A program in a terminal. It is killed when it is dropped.
pub(crate) struct Terminal {
    child: Child,
    /// Where keys are typed.
    keys: File,
    /// The program's side, kept open to look at its modes.
    side: OwnedFd,
    before: Termios,
    written: Arc<Written>,
}

impl Terminal {
    /// A terminal of this size that runs this command.
    pub(crate) fn run(mut command: Command, columns: u16, rows: u16) -> Terminal {
        let keys = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&keys).unwrap();
        unlockpt(&keys).unwrap();
        let name = ptsname(&keys, Vec::new()).unwrap();
        let side = open(name.as_c_str(), OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
        tcsetwinsize(&side, size(columns, rows)).unwrap();
        let before = tcgetattr(&side).unwrap();
        let end = || side.try_clone().unwrap();
        let child = command.stdin(end()).stdout(end()).stderr(end()).spawn().unwrap();
        let keys = File::from(keys);
        let written = Arc::<Written>::default();
        read_all(keys.try_clone().unwrap(), Arc::clone(&written));
        Terminal { child, keys, side, before, written }
    }

    /// Waits until this was written, after what was written `from` then; says where it ends.
    pub(crate) fn wait_for(&self, text: &str, from: usize) -> usize {
        let deadline = Instant::now() + PATIENCE;
        let mut written = self.written.bytes.lock().unwrap();
        loop {
            let at = written.0[from..].windows(text.len()).position(|found| found == text.as_bytes());
            if let Some(at) = at {
                return from + at + text.len();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let seen = || String::from_utf8_lossy(&written.0[from..]).into_owned();
            assert!(!written.1 && !left.is_zero(), "no {text:?} in {:?}", seen());
            written = self.written.grew.wait_timeout(written, left).unwrap().0;
        }
    }

    /// All that was written.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.written.bytes.lock().unwrap().0).into_owned()
    }

    pub(crate) fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    pub(crate) fn resize(&self, columns: u16, rows: u16) {
        tcsetwinsize(&self.side, size(columns, rows)).unwrap();
        // The kernel tells only those whose controlling terminal it is.
        self.signal(Signal::WINCH);
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Whether typed lines are edited and echoed, as a shell wants it.
    pub(crate) fn is_as_before(&self) -> bool {
        let now = tcgetattr(&self.side).unwrap();
        let before = &self.before;
        (now.local_modes, now.input_modes, now.output_modes, now.control_modes)
            == (before.local_modes, before.input_modes, before.output_modes, before.control_modes)
    }

    /// Waits for the program's end.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "it does not end; written: {:?}", self.text());
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn size(columns: u16, rows: u16) -> Winsize {
    Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }
}

/// The terminal is read by a thread until all its ends are closed.
fn read_all(mut from: File, written: Arc<Written>) {
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        loop {
            let read = from.read(&mut buffer).unwrap_or(0);
            let mut all = written.bytes.lock().unwrap();
            all.0.extend_from_slice(&buffer[..read]);
            all.1 = read == 0;
            written.grew.notify_all();
            if read == 0 {
                return;
            }
        }
    });
}
