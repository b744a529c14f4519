//! The admin page in a browser.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::look::{click, shows, text};
use crate::setup::until;

/// A browser that shows the admin page of a server.
pub struct AdminPage {
    pub browser: Browser,
    address: SocketAddr,
}

impl AdminPage {
    /// Its first view. None without a browser.
    pub fn open(server: SocketAddr) -> Option<AdminPage> {
        let browser = Browser::start()?;
        let page = AdminPage { browser, address: server };
        page.load();
        Some(page)
    }

    /// Loads the first view.
    pub fn load(&self) {
        self.browser.open(&self.address_of(""));
    }

    /// The address of a view.
    pub fn address_of(&self, view: &str) -> String {
        format!("http://{}/admin/{view}", self.address)
    }

    /// Goes to a view as a link does: `#/sessions`.
    pub fn go(&self, view: &str) {
        self.browser.run::<Value>("location.hash = arguments[0];", &[json!(view)]);
    }

    pub fn reload(&self) {
        self.browser.reload();
    }

    /// Waits until it is connected.
    pub fn is_live(&self) {
        self.shows("#connection", "live");
    }

    pub fn click(&self, selector: &str) {
        click(&self.browser, selector);
    }

    /// Clicks on the first button or link of this name, once it is there and can be: in the dialog where one is open.
    pub fn press(&self, name: &str) {
        let script = "const open = document.querySelector('dialog[open]') ?? document; \
            const found = [...open.querySelectorAll('button, a')].find((one) => one.checkVisibility() \
                && (one.getAttribute('aria-label') ?? one.textContent) === arguments[0]); \
            const can = !!found && !found.disabled; if (can) { found.focus(); found.click(); } return can;";
        until(&format!("{name:?} to press"), || {
            let pressed: bool = self.browser.run(script, &[json!(name)]);
            if pressed { Ok(()) } else { Err(self.text("body")) }
        });
    }

    pub fn text(&self, selector: &str) -> String {
        text(&self.browser, selector)
    }

    /// Waits until an element shows this text; all of its text.
    pub fn shows(&self, selector: &str, wanted: &str) -> String {
        shows(&self.browser, selector, wanted)
    }

    /// Waits until an element is not shown.
    pub fn hides(&self, selector: &str) {
        until(&format!("page without {selector}"), || {
            let seen = self.text(selector);
            if seen.is_empty() { Ok(()) } else { Err(seen) }
        });
    }

    /// Types into a field, in place of what it holds.
    pub fn fill(&self, selector: &str, value: &str) {
        let script = "const [selector, value] = arguments; const field = document.querySelector(selector); \
            if (!field) return false; field.value = value; \
            ['input', 'change'].forEach((what) => field.dispatchEvent(new Event(what, { bubbles: true }))); return true;";
        until(&format!("{selector} to fill"), || {
            let filled: bool = self.browser.run(script, &[json!(selector), json!(value)]);
            if filled { Ok(()) } else { Err(self.text("body")) }
        });
    }

    /// Waits until the diagram says so many of a state.
    pub fn counts(&self, state: &str, count: usize) {
        let script = "return [...document.querySelectorAll('svg.diagram a')].map((link) => link.getAttribute('aria-label'));";
        let wanted = format!("{state}: {count}.");
        until(&format!("{wanted:?} in the diagram"), || {
            let labels: Vec<String> = self.browser.run(script, &[]);
            if labels.iter().any(|label| label.starts_with(&wanted)) { Ok(()) } else { Err(labels.join(" ")) }
        });
    }

    /// The rows of its table, as they are shown.
    pub fn rows(&self) -> Vec<String> {
        let script = "return [...document.querySelectorAll('#main .table tbody tr')] \
            .map((row) => row.innerText.replace(/\\s+/g, ' ').trim());";
        self.browser.run::<Option<Vec<String>>>(script, &[]).unwrap_or_default()
    }

    /// Waits until so many rows of its table hold all of these texts.
    pub fn has_rows(&self, count: usize, texts: &[&str]) -> Vec<String> {
        until(&format!("{count} rows with {texts:?}"), || {
            let all = self.rows();
            let is_meant = |row: &&String| texts.iter().all(|text| row.contains(text));
            let found: Vec<String> = all.iter().filter(is_meant).cloned().collect();
            if found.len() == count { Ok(found) } else { Err(format!("{all:#?}")) }
        })
    }

    /// The view of the first crSocket whose row holds all of these texts: `#/sockets/1`.
    pub fn view_of(&self, texts: &[&str]) -> String {
        let script = "const row = [...document.querySelectorAll('#main .table tbody tr')] \
            .find((row) => arguments[0].every((text) => row.innerText.includes(text))); \
            return row?.querySelector('a').hash ?? null;";
        until(&format!("row with {texts:?}"), || {
            let view: Option<String> = self.browser.run(script, &[json!(texts)]);
            view.ok_or_else(|| format!("{:#?}", self.rows()))
        })
    }

    /// Presses a switch of the crSocket that is shown; when, in milliseconds since 1970.
    pub fn switch(&self, name: &str) -> f64 {
        let script = "const found = [...document.querySelectorAll('[role=switch]')] \
            .find((one) => one.checkVisibility() && one.textContent === arguments[0]); \
            const at = Date.now(); found?.click(); return found ? at : null;";
        until(&format!("the switch {name}"), || {
            let at: Option<f64> = self.browser.run(script, &[json!(name)]);
            at.ok_or_else(|| self.text("body"))
        })
    }

    /// Waits until a switch is on or off.
    pub fn is_switched(&self, name: &str, on: bool) {
        let script = "return [...document.querySelectorAll('[role=switch]')] \
            .find((one) => one.textContent === arguments[0])?.getAttribute('aria-checked') ?? 'none';";
        until(&format!("{name} switched to {on}"), || {
            let seen: String = self.browser.run(script, &[json!(name)]);
            if seen == on.to_string() { Ok(()) } else { Err(seen) }
        });
    }

    /// Leaves something that is gone once the page is loaded anew.
    pub fn leave_mark(&self) {
        self.browser.run::<Value>("window.stillHere = true;", &[]);
    }

    pub fn has_mark(&self) -> bool {
        self.browser.run("return window.stillHere === true;", &[])
    }

    /// Nothing stands in the console but what holds one of these texts.
    pub fn said_no_error_but(&self, expected: &[&str]) {
        let errors = self.browser.console_errors();
        let is_expected = |error: &&String| expected.iter().any(|text| error.contains(text));
        let others: Vec<&String> = errors.iter().filter(|error| !is_expected(error)).collect();
        assert!(others.is_empty(), "{others:#?}");
    }

    pub fn said_no_error(&self) {
        self.said_no_error_but(&[]);
    }
}
