//! Sessions of browsers on the admin page.

use std::net::SocketAddr;

use crate::admin_page::AdminPage;
use crate::browser::Browser;
use crate::look::{click, shows, text};
use crate::process::Server;

#[test]
fn a_session_of_a_browser_is_listed_with_its_user_agent_explained_and_recycled() {
    let Some(client) = Browser::start() else { return };
    let server = Server::demo_with(SocketAddr::from(([127, 0, 0, 1], 0)), |command| {
        command.args(["--admin-bind", "127.0.0.1:0"]);
    });
    client.open(&format!("http://{}/", server.address));
    click(&client, "a[href='controller/?practice']");
    shows(&client, "#title", "Paired");
    let digits = |selector: &str| text(&client, selector).replace(|sign: char| !sign.is_ascii_digit(), "");
    let (own, partner) = (digits("#own"), digits("#partner"));
    let Some(page) = AdminPage::open(server.admin()) else { return };
    page.is_live();
    page.go("#/sessions?hosted=false");
    let agent: String = client.run("return navigator.userAgent;", &[]);
    page.has_rows(1, &[&own, "demo", "controller", "session", "127.0.0.1", &agent]);
    page.has_rows(0, &[&format!("{partner} demo")]);
    page.has_rows(1, &[&format!("pinged {partner}")]);
    page.press(&format!("Explain {own}"));
    page.shows(".sentence", &format!("{own} and {partner} ping each other"));
    page.shows(".sides", "127.0.0.1");
    // Its client opens another stream at once.
    page.go(&format!("#/sessions?clientId={own}"));
    page.press(&format!("Recycle {own}"));
    page.shows("dialog", "its client opens another one at once");
    page.press("Recycle");
    page.shows(".said", "was recycled");
    page.has_rows(1, &[&own, "session"]);
    shows(&client, "#title", "Paired");
    // And it is gone with its page.
    client.close_tab();
    page.has_rows(0, &[&own, "controller"]);
    page.said_no_error();
}
