//! Chromium without a screen, driven over WebDriver (<https://www.w3.org/TR/webdriver2/>): a command is a request with JSON.
//! What is needed of it is eight commands. The crates that know them all did not fit: one stands on a crate under the MPL, one
//! changes by its features what the library under test is compiled with.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::process::PATIENCE;

/// A browser with a profile of its own. It ends when it is dropped.
pub struct Browser {
    driver: Driver,
    /// The path of its session.
    session: String,
}

/// A tab of a browser.
pub struct Tab(Value);

/// `chromedriver`, and whatever it and its browser write.
struct Driver {
    address: SocketAddr,
    process: Child,
    _folder: TempDir,
}

impl Browser {
    /// None if there is none on this machine.
    pub fn start() -> Option<Browser> {
        if !["chromium", "chromedriver"].into_iter().all(is_installed) {
            println!("SKIPPED: chromium and chromedriver are not both installed");
            return None;
        }
        let driver = Driver::start();
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
        let options = json!({ "goog:chromeOptions": { "args": arguments } });
        let capabilities = json!({ "capabilities": { "alwaysMatch": options } });
        let session = driver.does("POST", "/session", &capabilities);
        let session = format!("/session/{}", session["sessionId"].as_str().unwrap());
        Some(Browser { driver, session })
    }

    /// Shows this page.
    pub fn open(&self, address: &str) {
        self.does("/url", &json!({ "url": address }));
    }

    /// What a script returns. Its arguments are in the array `arguments`.
    pub fn run<T: DeserializeOwned>(&self, script: &str, arguments: &[Value]) -> T {
        let value = self.does("/execute/sync", &json!({ "script": script, "args": arguments }));
        serde_json::from_value(value).unwrap_or_else(|error| panic!("{script:?}: {error}"))
    }

    /// Hides all pages.
    pub fn minimize(&self) {
        self.does("/window/minimize", &json!({}));
    }

    /// Shows them again.
    pub fn restore(&self) {
        self.does("/window/rect", &json!({ "width": 800, "height": 600 }));
    }

    /// The tab that is shown.
    pub fn tab(&self) -> Tab {
        Tab(self.driver.does("GET", &format!("{}/window", self.session), &Value::Null))
    }

    /// Shows a page in another tab.
    pub fn open_beside(&self, address: &str) -> Tab {
        let tab = Tab(self.does("/window/new", &json!({ "type": "tab" }))["handle"].clone());
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

    /// Whether [`Browser::set_offline`] is there: it is Chromium's own.
    pub fn can_go_offline(&self) -> bool {
        true
    }

    /// Takes the network away, or gives it back.
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

    /// The process of the page dies, which it cannot tell anybody. It goes on in another tab.
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
    fn start() -> Driver {
        let folder = tempfile::tempdir().unwrap();
        let mut process = Command::new("chromedriver")
            .arg("--port=0")
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
                let port = line.split("successfully on port ").nth(1);
                if let Some(port) = port.and_then(|port| port.trim_end_matches('.').parse().ok()) {
                    let _ = tell.send(port);
                }
            }
        });
        let mut driver = Driver { address: SocketAddr::from(([127, 0, 0, 1], 0)), process, _folder: folder };
        driver.address.set_port(told.recv_timeout(PATIENCE).expect("chromedriver says its port"));
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
