//! Script in texts that clients control is shown as text on the admin page, and does not run.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::admin_page::AdminPage;
use crate::process::Server;
use crate::raw::{Client, connect};

/// Runs where it is taken for markup.
const MARKUP: &str = "<img src=x onerror=\"window.injected=1\"><script>window.injected=1</script>";

/// A responder whose client says that of itself; its stream is kept open.
fn connects(responder: &Client) -> TcpStream {
    let mut stream = connect(responder.address);
    let target = responder.eventsource();
    write!(stream, "GET {target} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: {MARKUP}\r\n\r\n").unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 200");
    stream
}

/// Nothing of it became an element, nothing ran.
fn did_not_run(page: &AdminPage) {
    let script = "return [window.injected ?? null, document.querySelectorAll('[onerror], [src=x]').length];";
    assert_eq!(page.browser.run::<Value>(script, &[]), json!([null, 0]));
}

#[test]
fn script_in_texts_of_clients_is_shown_as_text_and_does_not_run() {
    let server = Server::with_admin("[apps.demo]\n[admin]\nshow_params = true\n");
    let responder = Client::responder(server.address, "200002");
    let _stream = connects(&responder);
    let Some(page) = AdminPage::open(server.admin()) else { return };
    page.is_live();
    page.press("Create crSockets");
    page.click("dialog [value=controller]");
    page.fill("dialog [name=accessToken]", "alice");
    page.fill("dialog [name=partner]", "200002");
    page.fill("dialog [name=clientId]", "200001");
    page.press("Create");
    page.go(&page.view_of(&["200001", "searching"]));
    page.shows("h1", "controller 200001");
    page.click(".timeline-card label:last-child input");
    page.shows(".timeline-card", "Params are shown from now on");
    // They interact, and the partner says something.
    let says = |data: &str| responder.send("200001", "crEvent", data);
    assert_eq!(says("ping,,false,false,true,1,NaN,200002").status, 204);
    page.shows(".badge.large", "interacting");
    assert_eq!(says(&format!("say,,false,false,true,1,NaN,200002,{MARKUP}")).status, 204);
    page.shows(".timeline", "received say");
    page.shows(".timeline", MARKUP);
    did_not_run(&page);
    // An eventType with script in it is refused by the server already.
    assert_eq!(says(&format!("{MARKUP},,false,false,true,1,NaN,200002")).status, 400);
    // A reason is not.
    assert_eq!(says(&format!("reject,{MARKUP},false,false,true,1,NaN,200002")).status, 204);
    page.shows(".badge.large", "readyToPair");
    page.shows(".sentence", MARKUP);
    page.go("#/explain?controller=200001&responder=200002");
    page.shows(".reasons", MARKUP);
    page.shows(".sides", MARKUP);
    page.go("#/");
    page.has_rows(1, &["200001", "readyToPair"]);
    did_not_run(&page);
    page.go("#/sessions");
    page.has_rows(1, &["200002", MARKUP]);
    page.has_rows(1, &["200001", "rejected by 200002", MARKUP]);
    did_not_run(&page);
    page.said_no_error();
}
