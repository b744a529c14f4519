//! A browser, driven over WebDriver (<https://www.w3.org/TR/webdriver2/>): a command is a request with JSON. It is Chromium
//! without a screen, or what CRSOCKET_TEST_BROWSER says: chromium, firefox (geckodriver), webkit (WebKitWebDriver and
//! MiniBrowser, the engine of every iPad; it wants a screen).
//!
//! What is needed of it is eight commands. The crates that know them all did not fit: one stands on a crate under the MPL, one
//! changes by its features what the library under test is compiled with.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::{env, thread};

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::PATIENCE;
use crate::setup::until;

/// Which browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Chromium,
    Firefox,
    Webkit,
}

impl Kind {
    fn wanted() -> Kind {
        match env::var("CRSOCKET_TEST_BROWSER").as_deref() {
            Ok("firefox") => Kind::Firefox,
            Ok("webkit") => Kind::Webkit,
            Ok("chromium") | Err(_) => Kind::Chromium,
            Ok(other) => panic!("CRSOCKET_TEST_BROWSER is {other:?}: chromium, firefox or webkit"),
        }
    }

    /// Programs that must be there.
    fn programs(self) -> &'static [&'static str] {
        match self {
            Kind::Chromium => &["chromium", "chromedriver"],
            Kind::Firefox => &["firefox", "geckodriver"],
            Kind::Webkit => &["WebKitWebDriver"],
        }
    }

    /// What a session is asked for.
    fn capabilities(self) -> Value {
        match self {
            Kind::Chromium => {
                let arguments = [
                    "--headless=new",
                    // The page is our own, and root, as which tests run in containers, has no sandbox.
                    "--no-sandbox",
                    // Containers have little of it.
                    "--disable-dev-shm-usage",
                    "--disable-gpu",
                    // It ends with its driver, whatever ended that one.
                    "--remote-debugging-pipe",
                ];
                json!({
                    "goog:chromeOptions": { "args": arguments },
                    "goog:loggingPrefs": { "browser": "ALL" },
                })
            }
            Kind::Firefox => json!({ "moz:firefoxOptions": { "args": ["-headless"] } }),
            Kind::Webkit => {
                json!({ "webkitgtk:browserOptions": { "binary": MINI_BROWSER, "args": ["--automation"] } })
            }
        }
    }
}

/// WebKit's own small browser, where Debian has it.
const MINI_BROWSER: &str = "/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser";

/// A browser with a profile of its own. It ends when it is dropped.
pub struct Browser {
    kind: Kind,
    driver: Driver,
    /// The path of its session.
    session: String,
}

/// A tab of a browser.
pub struct Tab(Value);

/// Its driver, and whatever it and its browser write.
struct Driver {
    address: SocketAddr,
    process: Child,
    _folder: TempDir,
}

impl Browser {
    /// None if there is none on this machine.
    pub fn start() -> Option<Browser> {
        let kind = Kind::wanted();
        if !kind.programs().iter().all(|program| is_installed(program)) {
            println!("SKIPPED: {} are not all installed", kind.programs().join(", "));
            return None;
        }
        let driver = Driver::start(kind);
        let capabilities = json!({ "capabilities": { "alwaysMatch": kind.capabilities() } });
        let session = driver.does("POST", "/session", &capabilities);
        let session = format!("/session/{}", session["sessionId"].as_str().unwrap());
        Some(Browser { kind, driver, session })
    }

    /// Whether this is Chromium, of which alone some things can be asked: no network, a page that dies, hiding a window
    /// without a screen.
    pub fn is_chromium(&self) -> bool {
        if self.kind != Kind::Chromium {
            println!("SKIPPED: {:?} cannot be asked for it", self.kind);
        }
        self.kind == Kind::Chromium
    }

    /// Shows this page.
    pub fn open(&self, address: &str) {
        self.does("/url", &json!({ "url": address }));
    }

    /// Loads the page anew.
    pub fn reload(&self) {
        self.does("/refresh", &json!({}));
    }

    /// What a script returns. Its arguments are in the array `arguments`.
    pub fn run<T: DeserializeOwned>(&self, script: &str, arguments: &[Value]) -> T {
        let value = self.does("/execute/sync", &json!({ "script": script, "args": arguments }));
        serde_json::from_value(value).unwrap_or_else(|error| panic!("{script:?}: {error}"))
    }

    /// Presses keys, one after the other; those that are no letters have characters of their own (WebDriver, 17.4.2).
    pub fn press(&self, keys: &str) {
        let strokes: Vec<Value> = keys
            .chars()
            .flat_map(|key| {
                ["keyDown", "keyUp"].map(|what| json!({ "type": what, "value": key.to_string() }))
            })
            .collect();
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": strokes });
        self.does("/actions", &json!({ "actions": [keyboard] }));
    }

    /// Drags the mouse from one place of the window to another.
    pub fn drag(&self, from: [i64; 2], to: [i64; 2]) {
        let moved = |[x, y]: [i64; 2]| json!({ "type": "pointerMove", "duration": 50, "x": x, "y": y });
        let button = |what: &str| json!({ "type": what, "button": 0 });
        let actions = [moved(from), button("pointerDown"), moved(to), button("pointerUp")];
        let mouse = json!({ "type": "pointer", "id": "mouse", "actions": actions });
        self.does("/actions", &json!({ "actions": [mouse] }));
    }

    /// Hides all pages. Chromium only.
    pub fn minimize(&self) {
        self.does("/window/minimize", &json!({}));
    }

    /// Shows them again.
    pub fn restore(&self) {
        self.does("/window/rect", &json!({ "width": 800, "height": 600 }));
    }

    /// The errors in the console since it was last asked for; nothing but in Chromium.
    pub fn console_errors(&self) -> Vec<String> {
        let entries = self.console().into_iter();
        entries.filter(|entry| entry["level"] == "SEVERE").map(|entry| entry.to_string()).collect()
    }

    /// All that is in the console since it was last asked for; nothing but in Chromium.
    pub fn console(&self) -> Vec<Value> {
        if self.kind != Kind::Chromium {
            return Vec::new();
        }
        self.does("/se/log", &json!({ "type": "browser" })).as_array().cloned().unwrap_or_default()
    }

    /// As on a device that is set to this colour scheme: `light` or `dark`. Chromium only.
    pub fn prefer(&self, scheme: &str) {
        let feature = json!({ "name": "prefers-color-scheme", "value": scheme });
        self.devtools("Emulation.setEmulatedMedia", &json!({ "features": [feature] }));
    }

    /// As on a screen of this width, in CSS pixels. Chromium only.
    pub fn be_wide(&self, width: u32) {
        let screen = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", &screen);
    }

    fn devtools(&self, command: &str, params: &Value) {
        self.does("/goog/cdp/execute", &json!({ "cmd": command, "params": params }));
    }

    /// The tab that is shown.
    pub fn tab(&self) -> Tab {
        Tab(self.driver.does("GET", &format!("{}/window", self.session), &Value::Null))
    }

    /// Shows a page in another window, which is as good as a tab, and visible.
    pub fn open_beside(&self, address: &str) -> Tab {
        let tab = Tab(self.does("/window/new", &json!({ "type": "window" }))["handle"].clone());
        self.switch_to(&tab);
        self.open(address);
        tab
    }

    /// Shows this tab.
    pub fn switch_to(&self, tab: &Tab) {
        self.does("/window", &json!({ "handle": tab.0 }));
    }

    /// Closes the tab that is shown, and shows this one.
    pub fn close_this_tab(&self, next: &Tab) {
        self.driver.does("DELETE", &format!("{}/window", self.session), &Value::Null);
        self.switch_to(next);
    }

    /// Takes the network away, or gives it back. Chromium only.
    pub fn set_offline(&self, offline: bool) {
        let conditions =
            json!({ "offline": offline, "latency": 0, "download_throughput": -1, "upload_throughput": -1 });
        self.does("/chromium/network_conditions", &json!({ "network_conditions": conditions }));
    }

    /// Closes the tab, and goes on in another one.
    pub fn close_tab(&self) {
        self.leave_tab(|| {
            self.driver.does("DELETE", &format!("{}/window", self.session), &Value::Null);
        });
    }

    /// The process of the page dies, which it cannot tell anybody. It goes on in another tab. Chromium only.
    pub fn crash_tab(&self) {
        self.leave_tab(|| {
            let target = format!("{}/url", self.session);
            let crashed = self.driver.tries("POST", &target, &json!({ "url": "chrome://crash" }));
            let error = crashed.expect_err("the driver reports the crash");
            assert!(error.contains("tab crashed"), "{error}");
        });
    }

    fn leave_tab(&self, leave: impl FnOnce()) {
        let other = self.does("/window/new", &json!({ "type": "tab" }));
        leave();
        self.does("/window", &json!({ "handle": other["handle"] }));
    }

    fn does(&self, command: &str, body: &Value) -> Value {
        self.driver.does("POST", &format!("{}{command}", self.session), body)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !thread::panicking() {
            self.driver.does("DELETE", &self.session, &Value::Null);
        }
    }
}

impl Driver {
    /// On a free port.
    fn start(kind: Kind) -> Driver {
        let folder = tempfile::tempdir().unwrap();
        let (program, port) = match kind {
            Kind::Chromium => ("chromedriver", 0),
            Kind::Firefox => ("geckodriver", 0),
            // It takes no zero for any, and says nothing.
            Kind::Webkit => ("WebKitWebDriver", free_port()),
        };
        let mut process = Command::new(program)
            .arg(format!("--port={port}"))
            .env("TMPDIR", folder.path())
            .env("HOME", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (tell, told) = mpsc::channel();
        let output = BufReader::new(process.stdout.take().unwrap());
        thread::spawn(move || {
            // To the end: it must not be held up.
            for line in output.lines().map_while(Result::ok) {
                let said = ["successfully on port ", "Listening on 127.0.0.1:"];
                let port = said.into_iter().find_map(|before| line.split(before).nth(1));
                if let Some(port) = port.and_then(|port| port.trim_end_matches('.').parse().ok()) {
                    let _ = tell.send(port);
                }
            }
        });
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let mut driver = Driver { address, process, _folder: folder };
        if kind == Kind::Webkit {
            until("driver that listens", || TcpStream::connect(address).map_err(|error| error.to_string()));
        } else {
            driver.address.set_port(told.recv_timeout(PATIENCE).expect("the driver says its port"));
        }
        driver
    }

    /// What a command returns.
    fn does(&self, method: &str, target: &str, body: &Value) -> Value {
        self.tries(method, target, body).unwrap_or_else(|error| panic!("{method} {target} {body}: {error}"))
    }

    /// What a command returns, or the answer that says why it failed.
    fn tries(&self, method: &str, target: &str, body: &Value) -> Result<Value, String> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (status, answer) = request(self.address, method, target, &body).unwrap();
        if !status.contains(" 200 ") {
            return Err(answer);
        }
        let answer: Value = serde_json::from_str(&answer).unwrap();
        Ok(answer["value"].clone())
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr()).unwrap().port()
}

fn is_installed(program: &str) -> bool {
    Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// A request, and its answer: the status line and the body. (The driver does not close connections.)
fn request(address: SocketAddr, method: &str, target: &str, body: &str) -> io::Result<(String, String)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let length = body.len();
    let head = format!("{method} {target} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all(format!("{head}{body}").as_bytes())?;
    let mut answer = BufReader::new(stream);
    let mut status = String::new();
    answer.read_line(&mut status)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        answer.read_line(&mut line)?;
        match line.trim_end().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    answer.read_exact(&mut body)?;
    Ok((status, String::from_utf8(body).map_err(io::Error::other)?))
}
