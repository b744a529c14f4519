//! Pages that are hidden, closed, or die: what their partner makes of it.

use std::time::{Duration, Instant};

use crate::page::Page;
use crate::process::PATIENCE;
use crate::responder::Responder;
use crate::setup::{Client, Site, Way};

/// A page that is interacting with a responder of this process.
struct Pair {
    page: Page,
    /// The page's clientId.
    id: String,
    responder: Responder,
    _site: Site,
}

impl Pair {
    fn interacting(client: Client, way: Way) -> Option<Pair> {
        let site = Site::start(way)?;
        let responder = Responder::start(site.server().address, "200001");
        let page = Page::open(client, site.address(), "200001")?;
        let id = page.reaches("interacting");
        responder.reaches("interacting", Some(&id));
        Some(Pair { page, id, responder, _site: site })
    }

    /// The page leaves in this way: the responder searches, and lets go after releaseDt. Whether it was told goodbye.
    fn page_leaves(&self, leave: impl FnOnce(&Page)) -> bool {
        let mark = self.responder.mark();
        leave(&self.page);
        self.responder.reaches("readyToPair", None);
        // Its observer is told a moment after the board.
        let deadline = Instant::now() + PATIENCE;
        let states = loop {
            let states = self.responder.states_since(mark);
            if states.ends_with(&["searching", "readyToPair"]) || Instant::now() > deadline {
                break states;
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        assert!(states.ends_with(&["searching", "readyToPair"]), "{states:?}");
        self.responder.heard("inactive", mark)
    }

    fn are_interacting(&self) {
        assert_eq!(self.page.reaches("interacting"), self.id, "a page keeps its clientId");
        self.responder.reaches("interacting", Some(&self.id));
        assert_eq!(self.page.asks("say", "", &["again"]).params, ["again"]);
    }
}

fn a_hidden_page(client: Client, way: Way) {
    let Some(pair) = Pair::interacting(client, way) else { return };
    if !pair.page.browser().is_chromium() {
        return;
    }
    let told = pair.page_leaves(|page| {
        page.browser().minimize();
        page.reaches("passive");
    });
    assert!(told, "the page says inactive");
    pair.page.browser().restore();
    pair.are_interacting();
    // For a moment only: the responder searches, and keeps its partner.
    let mark = pair.responder.mark();
    pair.page.browser().minimize();
    pair.responder.reaches("searching", Some(&pair.id));
    pair.page.browser().restore();
    pair.are_interacting();
    assert_eq!(pair.responder.states_since(mark), ["searching", "interacting"]);
}

#[test]
fn a_hidden_page_is_searched_for_then_let_go_and_found_again_when_it_is_shown() {
    a_hidden_page(Client::Existing, Way::Directly);
}

#[test]
fn a_hidden_page_behind_nginx_is_searched_for_then_let_go_and_found_again_when_it_is_shown() {
    a_hidden_page(Client::Existing, Way::BehindNginx);
}

#[test]
fn our_hidden_page_is_searched_for_then_let_go_and_found_again_when_it_is_shown() {
    a_hidden_page(Client::Ours, Way::Directly);
}

fn a_page_loaded_anew(client: Client) {
    let Some(pair) = Pair::interacting(client, Way::Directly) else { return };
    let mark = pair.responder.mark();
    pair.page.load();
    pair.are_interacting();
    assert_eq!(pair.responder.states_since(mark), ["searching", "interacting"]);
    assert!(pair.page_leaves(|page| page.browser().close_tab()), "the page says inactive while it is closed");
    pair.page.load();
    pair.are_interacting();
}

#[test]
fn a_page_loaded_anew_is_found_again_and_a_closed_one_let_go_until_it_is_opened() {
    a_page_loaded_anew(Client::Existing);
}

#[test]
fn our_page_loaded_anew_is_found_again_and_a_closed_one_let_go_until_it_is_opened() {
    a_page_loaded_anew(Client::Ours);
}

fn a_page_that_dies(client: Client) {
    let Some(pair) = Pair::interacting(client, Way::BehindNginx) else { return };
    if !pair.page.browser().is_chromium() {
        return;
    }
    assert!(!pair.page_leaves(|page| page.browser().crash_tab()), "it could not say anything");
    pair.page.load();
    pair.are_interacting();
}

#[test]
fn a_page_that_dies_is_missed_by_its_silence() {
    a_page_that_dies(Client::Existing);
}

#[test]
fn our_page_that_dies_is_missed_by_its_silence() {
    a_page_that_dies(Client::Ours);
}
