//! Responders that the server hosts by its configuration: what the page and the server's log say.

use crate::page::Page;
use crate::process::Server;
use crate::setup::{Client, Site, Way, until};
use crate::texts::awkward_params;

const HOSTED: &str =
    "[[hosted]]\napp = \"demo\"\naccess_token = \"alice\"\nresponders = 1\nbehaviour = \"echo\"\n";

/// The hosted responder, as the log tells of it.
struct InLog<'a> {
    server: &'a Server,
    /// The lines that were read.
    read: usize,
}

impl InLog<'_> {
    /// Waits for the next line that says this of the responder; its clientId.
    fn says(&mut self, what: &str) -> String {
        let server = self.server;
        let (id, read) = until(&format!("line of the log that says {what:?}"), || {
            let text = server.log().text();
            let mut lines = text.lines().enumerate().skip(self.read);
            let found = lines.find(|(_, line)| line.contains(", hosted here, ") && line.ends_with(what));
            let id = found.and_then(|(at, line)| {
                let id = line.split("responder ").nth(1)?.split(',').next()?;
                Some((id.to_owned(), at + 1))
            });
            id.ok_or(text)
        });
        self.read = read;
        id
    }
}

/// It waits, a page comes, speaks with it and closes; it searches and lets go; the page comes back.
fn a_page_comes_and_goes(client: Client, way: Way) {
    let Some(site) = Site::with(way, HOSTED) else { return };
    let mut log = InLog { server: site.server(), read: 0 };
    let responder = log.says("waits for a controller");
    let Some(page) = Page::open(client, site.address(), &responder) else { return };
    let id = page.reaches("interacting");
    assert_eq!(page.snapshot().states, ["passive", "connecting", "searching", "interacting"]);
    assert_eq!(log.says(&format!("is interacting with {id}")), responder);
    for params in awkward_params() {
        let texts: Vec<&str> = params.iter().map(String::as_str).collect();
        let answer = page.asks("say", "", &texts);
        assert_eq!((answer.sender.as_str(), &answer.params), (responder.as_str(), &params));
    }
    page.browser().close_tab();
    log.says(&format!("is searching with {id}"));
    log.says("waits for a controller");
    page.load();
    assert_eq!(page.reaches("interacting"), id, "a page keeps its clientId");
    log.says(&format!("is interacting with {id}"));
}

#[test]
fn a_page_pairs_with_a_responder_of_the_server() {
    a_page_comes_and_goes(Client::Existing, Way::Directly);
}

#[test]
fn a_page_behind_nginx_pairs_with_a_responder_of_the_server() {
    a_page_comes_and_goes(Client::Existing, Way::BehindNginx);
}

#[test]
fn our_page_pairs_with_a_responder_of_the_server() {
    a_page_comes_and_goes(Client::Ours, Way::Directly);
}
