//! A server that goes away and comes back: the page and a responder of this process find each other again by themselves.

use crate::page::Page;
use crate::responder::Responder;
use crate::setup::{Client, Site, Way, until};

fn restarts(client: Client, way: Way) {
    let Some(mut site) = Site::start(way) else { return };
    let responder = Responder::start(site.server().address, "200001");
    let Some(page) = Page::open(client, site.address(), "200001") else { return };
    let id = page.reaches("interacting");
    responder.reaches("interacting", Some(&id));
    for graceful in [true, false] {
        let mark = responder.mark();
        let pids = page.snapshot().pids.len();
        let stopped = if graceful { site.stop() } else { site.kill() };
        responder.reaches("connecting", Some(&id));
        site.start_again(stopped);
        until("new stream of the page", || {
            let now = page.snapshot();
            if now.pids.len() > pids { Ok(()) } else { Err(format!("{now:?}")) }
        });
        assert_eq!(page.reaches("interacting"), id);
        responder.reaches("interacting", Some(&id));
        assert_eq!(page.asks("say", "", &["after the restart"]).params, ["after the restart"]);
        let states = responder.states_since(mark);
        assert!(states.starts_with(&["connecting"]) && states.ends_with(&["interacting"]), "{states:?}");
    }
    assert_eq!(responder.received().len(), 2, "each arrived once");
}

#[test]
fn after_a_restart_of_the_server_a_page_and_a_responder_find_each_other_again() {
    restarts(Client::Existing, Way::Directly);
}

#[test]
fn after_a_restart_of_the_server_behind_nginx_a_page_and_a_responder_find_each_other_again() {
    restarts(Client::Existing, Way::BehindNginx);
}

#[test]
fn after_a_restart_of_the_server_our_page_and_a_responder_find_each_other_again() {
    restarts(Client::Ours, Way::Directly);
}

#[test]
fn after_a_restart_of_the_server_behind_nginx_our_page_and_a_responder_find_each_other_again() {
    restarts(Client::Ours, Way::BehindNginx);
}
