//! The admin page of a server that hosts crSockets: what it shows, and how it steers them.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::admin_page::AdminPage;
use crate::process::Server;
use crate::setup::{own_address, until};

pub const PAIR: &str = "[apps.demo]\n[[hosted]]\napp = \"demo\"\naccess_token = \"alice\"\npairs = 1\n";

/// A server with one pair, and its admin page, connected. None without a browser.
fn pair() -> Option<(Server, AdminPage)> {
    let server = Server::with_admin(PAIR);
    let page = AdminPage::open(server.admin())?;
    page.is_live();
    Some((server, page))
}

/// Notes in the page when its table and its diagram first show a crSocket that searches.
const NOTE_SEARCHING: &str = "window.searching = {}; \
    const rows = () => [...document.querySelectorAll('#main .table tbody tr')]; \
    const links = () => [...document.querySelectorAll('svg.diagram a')]; \
    const look = () => { \
        if (rows().some((row) => row.textContent.includes('searching'))) searching.row ??= Date.now(); \
        if (links().some((link) => link.getAttribute('aria-label').startsWith('searching: 1.'))) searching.figure ??= Date.now(); \
    }; \
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true }); \
    look(); return searching;";

#[test]
fn a_hosted_pair_is_shown_interacting_and_pausing_one_shows_the_other_searching_at_once() {
    let Some((_server, page)) = pair() else { return };
    page.counts("interacting", 2);
    page.counts("paired", 2);
    page.counts("searching", 0);
    page.has_rows(2, &["demo", "interacting"]);
    page.has_rows(1, &["controller"]);
    let responder = page.view_of(&["responder"]);
    let noted: Value = page.browser.run(NOTE_SEARCHING, &[]);
    assert_eq!(noted, json!({}), "nobody searches yet");
    // In a window beside, one is paused.
    let list = page.browser.tab();
    let beside = page.browser.open_beside(&page.address_of(&responder));
    page.shows(".badge.large", "interacting");
    let paused = page.switch("Paused");
    page.shows(".standing", "paused");
    page.is_switched("Paused", true);
    page.browser.switch_to(&list);
    let (row, figure) = until("searching in the table and the diagram", || {
        let noted: Value = page.browser.run("return searching;", &[]);
        let at = |name: &str| noted[name].as_f64();
        at("row").zip(at("figure")).ok_or_else(|| format!("{noted}: {:#?}", page.rows()))
    });
    let (row, figure) = (row - paused, figure - paused);
    println!("searching: in the table after {row} ms, in the diagram after {figure} ms");
    assert!((0.0..2_000.0).contains(&row), "in the table after {row} ms");
    assert!((0.0..2_000.0).contains(&figure), "in the diagram after {figure} ms");
    page.counts("passive", 1);
    page.has_rows(1, &["responder", "passive", "paused"]);
    page.has_rows(1, &["controller", "searching"]);
    page.shows(".obstacles", "searching");
    page.browser.switch_to(&beside);
    page.switch("Paused");
    page.shows(".badge.large", "interacting");
    page.is_switched("Paused", false);
    // Not the time of what led here: the newest first.
    let timeline = page.shows(".timeline", "interacting");
    let at = |text: &str| timeline.find(text).unwrap_or_else(|| panic!("no {text:?} in {timeline}"));
    assert!(at("interacting") < at("passive"), "{timeline}");
    page.browser.switch_to(&list);
    page.counts("interacting", 2);
    page.said_no_error();
}

#[test]
fn a_reload_keeps_the_view_and_its_filters() {
    let Some((_server, page)) = pair() else { return };
    page.has_rows(2, &["interacting"]);
    page.fill("select[name=role]", "controller");
    page.has_rows(1, &["controller"]);
    page.has_rows(0, &["responder"]);
    page.leave_mark();
    page.reload();
    page.is_live();
    assert!(!page.has_mark());
    page.has_rows(1, &["controller"]);
    page.has_rows(0, &["responder"]);
    assert_eq!(
        page.browser.run::<String>("return document.querySelector('[name=role]').value;", &[]),
        "controller"
    );
    let view = page.view_of(&["controller"]);
    page.go(&view);
    let heading = page.shows("h1", "controller");
    page.reload();
    assert_eq!(page.shows("h1", "controller"), heading);
    assert_eq!(page.browser.run::<String>("return location.hash;", &[]), view);
    page.shows(".sentence", "interacting: with");
    // A crSocket that is not there, and a view that is none.
    page.go("#/sockets/99");
    page.shows("h1", "There is no crSocket 99 here");
    page.go("#/nothing");
    page.has_rows(2, &["interacting"]);
    page.said_no_error_but(&["status of 404"]);
}

/// A server with one pair whose admin part listens there.
fn admin_at(address: SocketAddr, folder: TempDir) -> Server {
    Server::in_folder(folder, PAIR, |command| {
        command.args(["--admin-bind", &address.to_string()]);
    })
}

#[test]
fn after_a_restart_of_the_server_the_page_is_connected_again_without_a_reload() {
    let server = admin_at(own_address(), tempfile::tempdir().unwrap());
    let address = server.admin();
    let Some(page) = AdminPage::open(address) else { return };
    page.is_live();
    page.counts("interacting", 2);
    page.leave_mark();
    let folder = server.kill();
    page.shows("#connection", "lost");
    let said = page.shows("#lost", "Connection lost.");
    assert!(said.contains("What is shown is as of"), "{said}");
    page.has_rows(2, &["interacting"]);
    let _server = admin_at(address, folder);
    page.is_live();
    page.hides("#lost");
    page.counts("interacting", 2);
    page.has_rows(2, &["interacting"]);
    assert!(page.has_mark(), "it was loaded anew");
    // While nobody listens there, and where the connection broke off.
    page.said_no_error_but(&[
        "ERR_CONNECTION_REFUSED",
        "ERR_CONNECTION_RESET",
        "ERR_EMPTY_RESPONSE",
        "ERR_SOCKET_NOT_CONNECTED",
    ]);
}

#[test]
fn a_pair_is_created_and_one_of_it_removed_once_that_is_confirmed() {
    let server = Server::with_admin("[apps.demo]\n");
    let Some(page) = AdminPage::open(server.admin()) else { return };
    page.is_live();
    page.shows(".empty", "No crSocket is hosted here yet");
    page.press("Create a pair here");
    page.press("Create");
    page.shows("dialog .problem", "An accessToken, please");
    page.fill("dialog [name=accessToken]", "alice");
    page.press("Create");
    page.shows(".said", "Created: controller");
    page.counts("interacting", 2);
    page.has_rows(2, &["interacting"]);
    let responder = page.view_of(&["responder"]);
    page.go(&responder);
    page.shows(".badge.large", "interacting");
    for leave in ["Cancel", "Escape"] {
        page.press("Remove");
        page.shows("dialog", "This cannot be undone");
        if leave == "Escape" {
            page.browser.press("\u{e00c}");
        } else {
            page.press(leave);
        }
        page.hides("dialog");
        page.shows(".badge.large", "interacting");
        assert_eq!(
            page.browser.run::<String>("return document.activeElement.textContent;", &[]),
            "Remove",
            "{leave}"
        );
    }
    page.press("Remove");
    page.shows("dialog", "This cannot be undone");
    page.press("Remove");
    page.has_rows(1, &["controller"]);
    page.has_rows(0, &["responder"]);
    page.counts("interacting", 0);
    page.go(&responder);
    page.shows("h1", "There is no crSocket");
    page.said_no_error_but(&["status of 404"]);
}

#[test]
fn explain_says_what_stands_between_two() {
    let Some((_server, page)) = pair() else { return };
    page.has_rows(2, &["interacting"]);
    page.go(&page.view_of(&["responder"]));
    page.press("Explain this pair");
    let said = page.shows(".sentence", "ping each other");
    let [controller, responder] = ["controller", "responder"].map(|side| {
        page.browser.run::<String>(
            "return document.querySelector(`.explain [name=${arguments[0]}]`).value;",
            &[json!(side)],
        )
    });
    assert!(said.contains(&controller) && said.contains(&responder), "{said}: {controller}, {responder}");
    page.press("Swap");
    page.shows(".sentence", &format!("{responder} is a responder, not a controller"));
    page.fill(".explain [name=controller]", &controller);
    page.fill(".explain [name=responder]", "123");
    page.click(".explain .main");
    page.shows(".explain .problem", "The responder’s clientId, please: six digits.");
    let other = ["000001", "000002", "000003"]
        .into_iter()
        .find(|id| ![&controller, &responder].contains(&&(*id).to_owned()));
    let other = other.unwrap();
    page.fill(".explain [name=responder]", other);
    page.click(".explain .main");
    page.shows(".sentence", &format!("{other} has no session on this server"));
    page.shows(".reasons", &format!("{controller} pings {responder}"));
    page.said_no_error();
}
