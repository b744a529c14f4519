//! The admin page by keyboard, and what its Content-Security-Policy keeps from running.

use serde_json::Value;

use crate::admin::PAIR;
use crate::admin_page::AdminPage;
use crate::process::Server;
use crate::setup::until;

const TAB: &str = "\u{e004}";
const ENTER: &str = "\u{e007}";
const SPACE: &str = " ";

/// What has the focus.
fn focused(page: &AdminPage) -> String {
    page.browser.run(
        "const { activeElement: at } = document; return `${at.localName} ${at.id} ${at.textContent}`;",
        &[],
    )
}

/// Tabs on to something that holds this text.
fn tab_to(page: &AdminPage, wanted: &str) {
    let mut seen = Vec::new();
    for _ in 0..60 {
        page.browser.press(TAB);
        seen.push(focused(page));
        if seen.last().is_some_and(|focus| focus.starts_with(wanted)) {
            return;
        }
    }
    panic!("no {wanted:?} on the way: {seen:#?}");
}

#[test]
fn the_page_is_used_with_the_keyboard_alone() {
    let server = Server::with_admin(PAIR);
    let Some(page) = AdminPage::open(server.admin()) else { return };
    page.is_live();
    page.has_rows(2, &["interacting"]);
    page.browser.press(TAB);
    assert_eq!(focused(&page), "a  Skip to the content");
    let is_in_sight: bool = page.browser.run(
        "const { top, bottom } = document.activeElement.getBoundingClientRect(); return top >= 0 && bottom > top;",
        &[],
    );
    assert!(is_in_sight, "who uses a keyboard sees the skip link");
    page.browser.press(ENTER);
    assert!(focused(&page).starts_with("main main"), "{}", focused(&page));
    // The next stop is within the content.
    page.browser.press(TAB);
    let within: bool =
        page.browser.run("return document.querySelector('main').contains(document.activeElement);", &[]);
    assert!(within, "{}", focused(&page));
    page.go(&page.view_of(&["responder"]));
    page.shows(".badge.large", "interacting");
    until("focus in the new view", || {
        let focus = focused(&page);
        if focus.starts_with("main main") { Ok(()) } else { Err(focus) }
    });
    tab_to(&page, "button  Paused");
    page.browser.press(SPACE);
    page.shows(".badge.large", "passive");
    page.is_switched("Paused", true);
    assert_eq!(focused(&page), "button  Paused", "the focus stays on what was pressed");
    page.browser.press(SPACE);
    page.shows(".badge.large", "interacting");
    page.is_switched("Paused", false);
    page.said_no_error();
}

#[test]
fn script_that_is_not_the_page_s_own_is_kept_from_running() {
    let server = Server::with_admin(PAIR);
    let Some(page) = AdminPage::open(server.admin()) else { return };
    page.is_live();
    let script = "window.kept = []; \
        addEventListener('securitypolicyviolation', ({ effectiveDirective }) => kept.push(effectiveDirective)); \
        const inline = document.createElement('script'); inline.textContent = 'window.injected = 1'; \
        document.body.append(inline); \
        const holder = document.createElement('div'); holder.innerHTML = '<img src=x onerror=\"window.injected = 1\">'; \
        document.body.append(holder); \
        const frame = document.createElement('iframe'); frame.src = location.href; document.body.append(frame); \
        fetch('http://127.0.0.2:9/').catch(() => {});";
    page.browser.run::<Value>(script, &[]);
    let wanted = ["script-src-elem", "script-src-attr", "frame-src", "connect-src"];
    until("four violations", || {
        let kept: Vec<String> = page.browser.run("return kept;", &[]);
        if wanted.iter().all(|wanted| kept.iter().any(|kept| kept == wanted)) {
            Ok(())
        } else {
            Err(format!("{kept:?}"))
        }
    });
    let injected: Option<i32> = page.browser.run("return window.injected ?? null;", &[]);
    assert_eq!(injected, None);
    page.said_no_error_but(&["Content Security Policy", "status of 404"]);
}
