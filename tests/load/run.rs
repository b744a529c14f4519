//! The program under test, as a process of its own.

use std::fs;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// How long a run may take before a test fails. All of them are meant to take some seconds.
const PATIENCE: Duration = Duration::from_secs(90);

/// `crsocket COMMAND`, with these arguments, a folder of its own and without what the environment of the tests may say.
pub struct Asked {
    command: Command,
    folder: TempDir,
}

impl Asked {
    /// `crsocket load` with these words.
    pub fn load(words: &str) -> Asked {
        Asked::to("load").words(words)
    }

    /// `crsocket simulate` with these words.
    pub fn simulate(words: &str) -> Asked {
        Asked::to("simulate").words(words)
    }

    pub fn to(name: &str) -> Asked {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_crsocket"));
        command.arg(name).current_dir(folder.path());
        command.env_remove("RUST_LOG").env_remove("NO_COLOR");
        Asked { command, folder }
    }

    /// With these words, too.
    pub fn words(self, words: &str) -> Asked {
        self.args(words.split_whitespace())
    }

    /// With these arguments, too.
    pub fn args<'a>(mut self, args: impl IntoIterator<Item = &'a str>) -> Asked {
        self.command.args(args);
        self
    }

    /// Against the server at this address.
    pub fn at(self, url: &str) -> Asked {
        self.args(["--server", url])
    }

    /// With the figures as JSON, in its folder.
    pub fn json(mut self) -> Asked {
        self.command.args(["--json", "report.json"]);
        self
    }

    /// With the page, in its folder.
    pub fn html(mut self) -> Asked {
        self.command.args(["--html", "report.html"]);
        self
    }

    /// With this file in its folder.
    pub fn file(self, name: &str, text: &str) -> Asked {
        fs::write(self.folder.path().join(name), text).unwrap();
        self
    }

    pub fn into_parts(self) -> (Command, TempDir) {
        (self.command, self.folder)
    }

    pub fn start(mut self) -> Running {
        let command = self.command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let said = [Said::of(child.stdout.take().unwrap()), Said::of(child.stderr.take().unwrap())];
        Running { child, said, folder: Some(self.folder) }
    }

    pub fn run(self) -> Ended {
        self.start().ended()
    }
}

/// It runs. It is killed when it is dropped.
pub struct Running {
    child: Child,
    /// On standard output, and on standard error.
    said: [Arc<Said>; 2],
    folder: Option<TempDir>,
}

impl Running {
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    pub fn is_over(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits until it says a line with this text.
    pub fn line_with(&self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let said = self.said.each_ref().map(|said| said.text.lock().unwrap().0.clone());
            let mut lines = said.iter().flat_map(|said| said.lines());
            if let Some(line) = lines.find(|line| line.contains(text)) {
                return line.to_owned();
            }
            assert!(Instant::now() < deadline, "no line with {text:?} in {said:#?}");
            sleep(Duration::from_millis(5));
        }
    }

    /// Waits for its end.
    pub fn ended(mut self) -> Ended {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break Some(status);
            }
            if Instant::now() > deadline {
                self.child.kill().unwrap();
                break None;
            }
            sleep(Duration::from_millis(5));
        };
        let [out, err] = self.said.each_ref().map(|said| said.all());
        let status = status.unwrap_or_else(|| panic!("it does not end; it said:\n{out}\n{err}"));
        Ended { code: status.code(), out, err, folder: self.folder.take().unwrap() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What was said, and whether that is all.
#[derive(Debug, Default)]
struct Said {
    text: Mutex<(String, bool)>,
    grew: Condvar,
}

impl Said {
    fn of(mut from: impl Read + Send + 'static) -> Arc<Said> {
        let said = Arc::<Said>::default();
        let writes = Arc::clone(&said);
        thread::spawn(move || {
            let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
            loop {
                let read = from.read(&mut buffer).unwrap_or(0);
                bytes.extend_from_slice(&buffer[..read]);
                *writes.text.lock().unwrap() = (String::from_utf8_lossy(&bytes).into_owned(), read == 0);
                writes.grew.notify_all();
                if read == 0 {
                    return;
                }
            }
        });
        said
    }

    /// All of it, when that is all.
    fn all(&self) -> String {
        let text = self.text.lock().unwrap();
        self.grew.wait_while(text, |(_, is_all)| !*is_all).unwrap().0.clone()
    }
}

/// It is over.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
    folder: TempDir,
}

impl Ended {
    /// It ended with this exit status.
    #[track_caller]
    pub fn with(self, code: i32) -> Ended {
        assert_eq!(self.code, Some(code), "{}\n{}", self.out, self.err);
        self
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The figures.
    #[track_caller]
    pub fn report(&self) -> Report {
        let path = self.path("report.json");
        let text =
            fs::read_to_string(&path).unwrap_or_else(|error| panic!("{error}; {}\n{}", self.out, self.err));
        Report(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}")))
    }

    /// The page.
    #[track_caller]
    pub fn page(&self) -> String {
        let page = fs::read_to_string(self.path("report.html"));
        page.unwrap_or_else(|error| panic!("{error}; {}\n{}", self.out, self.err))
    }
}

/// The figures, as the JSON says them: other tools read the same names.
#[derive(Clone, Debug, PartialEq)]
pub struct Report(pub Value);

impl Report {
    /// What stands at `events.lost` and the like.
    #[track_caller]
    pub fn at(&self, path: &str) -> &Value {
        let pointer = format!("/{}", path.replace('.', "/"));
        self.0.pointer(&pointer).unwrap_or_else(|| panic!("no {path} in {:#}", self.0))
    }

    #[track_caller]
    pub fn count(&self, path: &str) -> u64 {
        self.at(path).as_u64().unwrap_or_else(|| panic!("{path} is {}", self.at(path)))
    }

    #[track_caller]
    pub fn number(&self, path: &str) -> f64 {
        self.at(path).as_f64().unwrap_or_else(|| panic!("{path} is {}", self.at(path)))
    }

    /// How often something of this kind went wrong.
    pub fn errors(&self, kind: &str) -> u64 {
        let errors = self.at("errors").as_array().unwrap();
        let error = errors.iter().find(|error| error["kind"] == kind);
        error.map_or(0, |error| error["count"].as_u64().unwrap())
    }

    /// The share of events that took longer than this.
    pub fn share_above(&self, ms: f64) -> f64 {
        let curve = self.at("percentiles").as_array().unwrap();
        let no_longer = curve.iter().filter(|point| point["ms"].as_f64().unwrap() <= ms);
        let percentile = no_longer.map(|point| point["percentile"].as_f64().unwrap()).fold(0.0, f64::max);
        1.0 - percentile / 100.0
    }
}
