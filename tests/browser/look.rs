//! What a page shows, and clicks on it.

use serde_json::json;

use crate::browser::Browser;
use crate::setup::until;

/// Clicks on an element, once it is there and can be.
pub fn click(browser: &Browser, selector: &str) {
    let script = "const found = document.querySelector(arguments[0]); \
        const can = !!found && !found.disabled; if (can) found.click(); return can;";
    until(&format!("{selector} to click"), || {
        let clicked: bool = browser.run(script, &[json!(selector)]);
        if clicked { Ok(()) } else { Err(text(browser, "body")) }
    });
}

/// The text of an element, as it is shown.
pub fn text(browser: &Browser, selector: &str) -> String {
    let script = "const found = document.querySelector(arguments[0]); return found?.checkVisibility() ? found.innerText : '';";
    // A page that is about to be another one gives nothing.
    browser.run::<Option<String>>(script, &[json!(selector)]).unwrap_or_default()
}

/// Waits until an element shows this text; all of its text.
pub fn shows(browser: &Browser, selector: &str, wanted: &str) -> String {
    until(&format!("{wanted:?} in {selector}"), || {
        let seen = text(browser, selector);
        if seen.contains(wanted) { Ok(seen) } else { Err(format!("{seen:?}: {}", text(browser, "body"))) }
    })
}
