//! The demo's pages, as `crsocket demo` serves them.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::browser::Browser;
use crate::look::{click, shows, text};
use crate::process::Server;
use crate::responder::Responder;
use crate::setup::until;

/// The demo, and a browser at its front page. None without a browser.
fn demo() -> Option<(Server, Browser)> {
    let browser = Browser::start()?;
    let server = Server::demo(SocketAddr::from(([127, 0, 0, 1], 0)));
    browser.open(&format!("http://{}/", server.address));
    Some((server, browser))
}

/// Shows a controller or responder, and waits until its script has begun.
fn open(browser: &Browser, server: &Server, page: &str) {
    browser.open(&format!("http://{}/crsocket/demo/{page}", server.address));
    own_id(browser);
}

/// The six digits that a page shows as its own.
fn own_id(browser: &Browser) -> String {
    until("clientId", || {
        let id = text(browser, "#own").replace(|sign: char| !sign.is_ascii_digit(), "");
        if id.len() == 6 { Ok(id) } else { Err(format!("{id:?}")) }
    })
}

/// Types a number into the controller's page.
fn pair_with(browser: &Browser, id: &str) {
    let script = "digits.value = arguments[0]; digits.dispatchEvent(new Event('input')); \
        document.querySelector('#pair button').click();";
    browser.run::<Value>(script, &[json!(id)]);
}

fn said_no_error(browser: &Browser) {
    let errors = browser.console_errors();
    assert!(errors.is_empty(), "{errors:#?}");
}

#[test]
fn one_command_and_one_click_show_a_pair_and_its_trials() {
    let Some((_server, browser)) = demo() else { return };
    click(&browser, "a[href='controller/?practice']");
    shows(&browser, "#title", "Paired");
    click(&browser, "#all");
    shows(&browser, "#said", "Trial 3");
    click(&browser, "#all");
    shows(&browser, "#said", "ms");
    let rows: Vec<String> =
        browser.run("return [...document.querySelectorAll('#rows tr')].map((row) => row.textContent);", &[]);
    assert!(rows.len() >= 2, "{rows:?}");
    assert!(shows(&browser, "#summary", "Median").contains("of 10 trials"));
    // It is kept, and so is the partner.
    browser.run::<Value>("location.reload();", &[]);
    shows(&browser, "#title", "Paired");
    shows(&browser, "#summary", "Median");
    said_no_error(&browser);
}

#[test]
fn two_devices_pair_by_six_digits_and_a_touch_comes_back() {
    let Some((server, controller)) = demo() else { return };
    let Some(responder) = Browser::start() else { return };
    open(&responder, &server, "responder/");
    let id = own_id(&responder);
    open(&controller, &server, "controller/");
    pair_with(&controller, "12");
    shows(&controller, "#digits-note", "Six digits");
    pair_with(&controller, &id);
    shows(&controller, "#title", "Paired");
    click(&controller, "#start");
    until("star", || {
        let visible: bool = responder.run("return !star.hidden;", &[]);
        if visible { Ok(()) } else { Err(text(&responder, "body")) }
    });
    let touch = "star.dispatchEvent(new PointerEvent('pointerdown', { bubbles: true }));";
    responder.run::<Value>(touch, &[]);
    shows(&controller, "#said", " ms");
    // A touch that comes before the star.
    click(&controller, "#start");
    until("waiting", || {
        let trial: Option<String> = responder.run("return document.body.dataset.trial ?? null;", &[]);
        if trial.as_deref() == Some("wait") { Ok(()) } else { Err(format!("{trial:?}")) }
    });
    responder.run::<Value>(
        "document.body.dispatchEvent(new PointerEvent('pointerdown', { bubbles: true }));",
        &[],
    );
    shows(&controller, "#said", "before the star");
    click(&responder, "#pause");
    shows(&controller, "#title", "");
    until("searching", || {
        let title = text(&controller, "#title");
        if title.contains("Paired") { Err(title) } else { Ok(()) }
    });
    click(&responder, "#pause");
    shows(&controller, "#title", "Paired");
    said_no_error(&controller);
    said_no_error(&responder);
}

#[test]
fn the_address_of_a_qr_code_opens_the_partner_s_page_paired() {
    let Some((server, responder)) = demo() else { return };
    let Some(controller) = Browser::start() else { return };
    open(&controller, &server, "controller/");
    click(&controller, "#by-qr");
    let how = shows(&controller, "#qr-card", "--bind");
    assert!(how.contains("only be reached from this computer"), "{how}");
    // What the codes hold where others reach the server: the same page with a clientId.
    open(&controller, &server, "controller/?partner=731247");
    open(&responder, &server, "responder/?clientId=731247");
    shows(&controller, "#title", "Paired");
    let partner: String = controller.run("return document.querySelector('#partner').innerText;", &[]);
    assert_eq!(partner.replace(|sign: char| !sign.is_ascii_digit(), ""), "731247");
    let address: String = responder.run("return location.href;", &[]);
    assert!(address.ends_with("/crsocket/demo/responder/"), "{address}");
    responder.run::<Value>("location.reload();", &[]);
    shows(&controller, "#title", "Paired");
    said_no_error(&controller);
    said_no_error(&responder);
}

#[test]
fn a_practice_tester_plays_with_a_responder_that_is_alone() {
    let Some((server, browser)) = demo() else { return };
    open(&browser, &server, "responder/");
    shows(&browser, "#practice", "Practice");
    click(&browser, "#practice");
    until("star", || {
        let visible: bool = browser.run("return !star.hidden;", &[]);
        if visible { Ok(()) } else { Err(text(&browser, "body")) }
    });
    click(&browser, "#star");
    until("star that was collected", || {
        let label: String = browser.run("return collected.getAttribute('aria-label');", &[]);
        if label.starts_with("1 of 10") { Ok(()) } else { Err(label) }
    });
    said_no_error(&browser);
}

#[test]
fn a_controller_pairs_with_a_crsocket_over_the_http_link_and_takes_no_markup_from_it() {
    let Some((server, browser)) = demo() else { return };
    let responder = Responder::start(server.address, "200001");
    open(&browser, &server, "controller/?partner=200001");
    shows(&browser, "#title", "Paired");
    let id = own_id(&browser);
    responder.reaches("interacting", Some(&id));
    click(&browser, "#start");
    until("stimulus", || {
        let received = responder.received();
        if received.iter().any(|event| &*event.event_type == "stimulus") {
            Ok(())
        } else {
            Err(format!("{received:?}"))
        }
    });
    let answers = "const [to] = arguments; const said = (params) => fetch('../sendevent/?clientId=200001&clientRole=responder&accessToken=alice\
        &eventType=crEvent&recipientClientId=' + to + '&eventData=' + encodeURIComponent('reaction,,false,false,true,1,NaN,200001,' + params));\
        said('1,<img src=x id=injected>'); said('<b id=injected>,300'); said('1,300.4');";
    browser.run::<Value>(answers, &[json!(id)]);
    shows(&browser, "#said", "300 ms");
    let injected: bool = browser.run("return document.querySelector('#injected') !== null;", &[]);
    assert!(!injected);
    said_no_error(&browser);
}
