//! The admin page of a server that wants a token.

use crate::admin_page::AdminPage;
use crate::process::Server;
use crate::setup::until;

const TOKEN: &str = "a-token-of-some-length";

/// What a browser says of a request that is refused.
const REFUSED: [&str; 3] = ["status of 401", "HTTP Authentication failed", "status of 429"];

#[test]
fn a_token_is_asked_for_once_and_only_the_right_one_opens_the_page() {
    let server = Server::with_admin(&format!("{}[admin]\ntoken = \"{TOKEN}\"\n", crate::admin::PAIR));
    let Some(page) = AdminPage::open(server.admin()) else { return };
    page.shows(".login", "A token is needed");
    page.shows("#connection", "token needed");
    assert_eq!(page.rows(), Vec::<String>::new());
    page.press("Log in");
    page.shows(".login .problem", "The token, please.");
    page.fill(".login [name=token]", "not-the-right-one");
    page.press("Log in");
    page.shows(".login .problem", "This is not the token of this server.");
    page.fill(".login [name=token]", TOKEN);
    page.press("Log in");
    page.is_live();
    page.counts("interacting", 2);
    page.has_rows(2, &["interacting"]);
    page.reload();
    page.is_live();
    page.has_rows(2, &["interacting"]);
    let cookies: String = page.browser.run("return document.cookie;", &[]);
    assert_eq!(cookies, "", "its cookie is none that a script sees");
    page.press("Log out");
    page.shows(".login", "A token is needed");
    page.reload();
    page.shows(".login", "A token is needed");
    // One wrong token after the other: not for long.
    let said = until("too many wrong tokens", || {
        let can: bool = page.browser.run("return !document.querySelector('.login button').disabled;", &[]);
        if can {
            page.fill(".login [name=token]", "not-the-right-one");
            page.press("Log in");
        }
        let said = page.text(".login .problem");
        if said.contains("Too many wrong tokens") { Ok(said) } else { Err(said) }
    });
    assert!(said.contains("Try again in a moment"), "{said}");
    page.shows(".login button", "Try again in");
    page.said_no_error_but(&REFUSED);
}
