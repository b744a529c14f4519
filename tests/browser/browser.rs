//! Chromium without a screen, driven over WebDriver.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;

use serde::de::DeserializeOwned;
use serde_json::Value;
use tempfile::TempDir;
use thirtyfour::support::block_on;
use thirtyfour::{ChromiumLikeCapabilities, DesiredCapabilities, WebDriver};

use crate::process::PATIENCE;

/// A browser with a profile of its own. It ends when it is dropped.
pub struct Browser {
    /// Before the driver: it ends the browser through it.
    session: WebDriver,
    _driver: Driver,
}

/// `chromedriver`, and whatever it and its browser write.
struct Driver {
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
        // The driver speaks no TLS, but its client, the HTTP client of the links, wants to know what it would be made of.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (driver, port) = Driver::start();
        let mut capabilities = DesiredCapabilities::chrome();
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
        for argument in arguments {
            capabilities.add_arg(argument).unwrap();
        }
        let session = block_on(WebDriver::new(format!("http://127.0.0.1:{port}"), capabilities)).unwrap();
        Some(Browser { session, _driver: driver })
    }

    pub fn open(&self, address: &str) {
        block_on(self.session.goto(address)).unwrap();
    }

    /// What a script returns. Its arguments are in the array `arguments`.
    pub fn run<T: DeserializeOwned>(&self, script: &str, arguments: Vec<Value>) -> T {
        let returned = block_on(self.session.execute(script, arguments));
        returned.and_then(|value| value.convert()).unwrap_or_else(|error| panic!("{script:?}: {error}"))
    }

    /// Hides all pages.
    pub fn minimize(&self) {
        block_on(self.session.minimize_window()).unwrap();
    }

    /// Shows them again.
    pub fn restore(&self) {
        block_on(self.session.set_window_rect(0, 0, 800, 600)).unwrap();
    }

    /// Closes the tab, and goes on in another one.
    pub fn close_tab(&self) {
        self.leave_tab(|| block_on(self.session.close_window()).unwrap());
    }

    /// The process of the page dies, which it cannot tell anybody. It goes on in another tab.
    pub fn crash_tab(&self) {
        self.leave_tab(|| {
            // The driver reports the crash.
            let crashed = block_on(self.session.goto("chrome://crash"));
            assert!(format!("{crashed:?}").contains("crashed"), "{crashed:?}");
        });
    }

    fn leave_tab(&self, leave: impl FnOnce()) {
        let other = block_on(self.session.new_tab()).unwrap();
        leave();
        block_on(self.session.switch_to_window(other)).unwrap();
    }
}

impl Driver {
    /// On a free port: it, and the port.
    fn start() -> (Driver, u16) {
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
        let driver = Driver { process, _folder: folder };
        let port = told.recv_timeout(PATIENCE).expect("chromedriver says its port");
        (driver, port)
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
