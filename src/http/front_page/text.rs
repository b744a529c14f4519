//! The front page for terminals and programs.

use super::{Facts, Shown};

/// The whole text.
pub(super) fn page(facts: &Facts) -> String {
    let own_pages = if facts.has_web_root { "" } else { OWN_PAGES };
    format!("{ABOUT}\n{}{own_pages}", apps(facts))
}

fn apps(facts: &Facts) -> String {
    let mut text = match (facts.apps.is_empty(), facts.any_app) {
        (true, true) => return "Any app is served, by whatever name.\n".to_owned(),
        (true, false) => return NONE.to_owned(),
        (false, _) => "Apps:\n".to_owned(),
    };
    text.extend(facts.apps.iter().map(item));
    if facts.more > 0 {
        text.push_str(&format!("  and {} more\n", facts.more));
    }
    if facts.any_app {
        text.push_str("  and any other app, by whatever name\n");
    }
    text
}

fn item(shown: &Shown) -> String {
    let app = &shown.app;
    let line = |there: bool, role: &str| match there {
        true => format!("    /crsocket/{app}/{role}/\n"),
        false => String::new(),
    };
    format!("  {app}\n{}{}", line(shown.controller, "controller"), line(shown.responder, "responder"))
}

const ABOUT: &str = "CRSocket server

This server connects a tester's controller with a participant's responder, each on a device of its own. Each side
always knows whether the other is there.
";

const NONE: &str = r#"No app is served yet. Name one in the configuration file:

  [apps.myapp]
  access = "any"

Or serve apps of any name:

  [server]
  any_app = true
"#;

const OWN_PAGES: &str = "
No folder with pages is served yet. A public folder holds one folder for each app, such as myapp/controller/index.html
and myapp/responder/index.html. Give it when you start the server:

  crsocket serve --web-root public
";
