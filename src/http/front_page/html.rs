//! The front page for people. It loads nothing and runs nothing.

use super::{Facts, Shown};

/// What the page may load: its own style, known by its hash, and nothing else.
pub(super) const POLICY: &str = "default-src 'none'; style-src 'sha256-7J37fgeBedH0iO+JPQh1pQPpZqWLQML7qE7XJBX0juo='; img-src data:; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

pub(super) const STYLE: &str =
    concat!(include_str!("../../web/shared/palette.css"), include_str!("../../web/front_page.css"));

/// Two devices and the line between them.
const SIGN: &str = r##"<svg viewBox="0 0 48 48" fill="none" stroke="currentColor" stroke-width="3" aria-hidden="true">
<rect x="3" y="9" width="15" height="22" rx="3"/><rect x="30" y="17" width="15" height="22" rx="3"/>
<path d="M18 20h4a4 4 0 0 1 4 4v0a4 4 0 0 0 4 4"/></svg>"##;

/// The same, for the tab.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 48 48' fill='none' \
    stroke='%230f8390' stroke-width='5'%3E%3Crect x='3' y='7' width='15' height='24' rx='3'/%3E\
    %3Crect x='30' y='17' width='15' height='24' rx='3'/%3E%3Cpath d='M18 20h4a4 4 0 0 1 4 4a4 4 0 0 0 4 4'/%3E%3C/svg%3E";

/// The whole page. AppIds are letters, digits, `_` and `-`: nothing in them needs escaping.
pub(super) fn page(facts: &Facts) -> String {
    format!(
        r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>CRSocket server</title>
<link rel="icon" href="{ICON}">
<style>{STYLE}</style>
</head>
<body>
<main>
<header>{SIGN}<h1>CRSocket</h1></header>
<p class="lead">This server connects a tester’s <b>controller</b> with a participant’s <b>responder</b>, each on a
device of its own. Each side always knows whether the other is there.</p>
{apps}
{own_pages}
</main>
</body>
</html>
"#,
        apps = apps(facts),
        own_pages = if facts.has_web_root { "" } else { OWN_PAGES },
    )
}

fn apps(facts: &Facts) -> String {
    if facts.apps.is_empty() {
        return format!(
            "<h2>Apps</h2>\n<div class=\"hint\">{}</div>",
            if facts.any_app { ANY } else { NONE }
        );
    }
    let items: String = facts.apps.iter().map(item).collect();
    let more = match facts.more {
        0 => String::new(),
        more => format!("\n<p class=\"soft\">And {more} more.</p>"),
    };
    let any = if facts.any_app { "\n<p class=\"soft\">And any other app, by whatever name.</p>" } else { "" };
    format!("<h2>Apps</h2>\n<ul class=\"apps\">\n{items}</ul>{more}{any}")
}

fn item(shown: &Shown) -> String {
    let app = &shown.app;
    let link = |there: bool, role: &str, name: &str| match there {
        true => format!(
            "<a class=\"{role}\" href=\"crsocket/{app}/{role}/\" aria-label=\"{app}: {name}\">{name}</a>"
        ),
        false => String::new(),
    };
    let links = match (shown.controller, shown.responder) {
        (false, false) => "<small class=\"soft\">has no pages here</small>".to_owned(),
        (controller, responder) => {
            let controller = link(controller, "controller", "Controller");
            format!("<span>{controller}{}</span>", link(responder, "responder", "Responder"))
        }
    };
    format!("<li><strong>{app}</strong>{links}</li>\n")
}

const ANY: &str = "<p>Any app is served, by whatever name.</p>";

const NONE: &str = r#"<p>No app is served yet. Name one in the configuration file:</p>
<pre>[apps.myapp]
access = "any"</pre>
<p>Or serve apps of any name:</p>
<pre>[server]
any_app = true</pre>"#;

const OWN_PAGES: &str = r#"<h2>Serve your pages</h2>
<p>No folder with pages is served yet. A public folder holds one folder for each app, and what the apps share:</p>
<pre>public/
├── js/
└── myapp/
    ├── controller/index.html
    └── responder/index.html</pre>
<p>Give it when you start the server:</p>
<pre>crsocket serve --web-root public</pre>
<p>The controller of <code>myapp</code> is then at <code>/crsocket/myapp/controller/</code>, its responder at
<code>/crsocket/myapp/responder/</code>.</p>"#;
