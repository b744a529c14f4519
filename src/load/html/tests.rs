use serde_json::Value;

use super::*;
use crate::load::example;
use crate::load::words::{bytes, count, ms};
use crate::web::paths;

fn page(report: &Report) -> String {
    html(report).unwrap()
}

/// What stands between two texts, once.
fn between<'a>(page: &'a str, from: &str, to: &str) -> &'a str {
    assert_eq!(page.matches(from).count(), 1, "{from} stands there once");
    page.split_once(from).unwrap().1.split_once(to).unwrap().0
}

fn data_in(page: &str) -> &str {
    between(page, "<script type=\"application/json\" id=\"data\">", "</script>")
}

#[test]
fn the_page_holds_the_report_as_it_is() {
    for report in [example::calm::<Report>(), example::eventful(), example::empty()] {
        let page = page(&report);
        let read = data_in(&page).replace("\\u003c", "<");
        assert!(read == serde_json::to_string(&report).unwrap(), "{read}");
    }
}

/// With a text that would end or begin something wherever it stood as it is.
fn hostile() -> (Report, &'static str) {
    const HOSTILE: &str =
        "</script><script>alert(1)</script><!--<img src=x onerror='alert(2)'>{{data}}&amp;\u{1b}\u{202e}";
    let mut report: Report = example::eventful();
    let all = HOSTILE.to_owned();
    report.setting.scenario = all.clone();
    report.setting.description = all.clone();
    report.setting.app = all.clone();
    report.setting.server = Some(all.clone());
    report.version = all.clone();
    report.warnings.push(all.clone());
    report.figures.cpu.bottleneck = Some(all.clone());
    report.gates[0].flag = all.clone();
    report.gates[1].unit = all.clone();
    report.figures.errors[0].kind = all.clone();
    report.figures.incidents[0].kind = all.clone();
    report.figures.share_of_time.insert(all.clone(), 0.1);
    report.figures.sockets.by_state.insert(all.clone(), 1);
    let point = &mut report.series.points[0];
    point.states.insert(all.clone(), 1);
    point.incidents.insert(all, 1);
    (report, HOSTILE)
}

#[test]
fn names_that_others_chose_are_nothing_but_text() {
    let (report, hostile) = hostile();
    let page = page(&report);
    let calm = self::page(&example::calm());
    for mark in ["<script", "</script", "<!--", "<img", "onerror='", "\u{1b}", "\u{202e}"] {
        let markup = page.replace(data_in(&page), "");
        let usual = calm.replace(data_in(&calm), "");
        assert_eq!(markup.matches(mark).count(), usual.matches(mark).count(), "{mark:?}");
    }
    assert!(!data_in(&page).contains('<'), "nothing in the data begins markup");
    let read: Value = serde_json::from_str(data_in(&page)).unwrap();
    assert_eq!(read["setting"]["scenario"], hostile);
    assert!(page.contains("&lt;/script&gt;&lt;script&gt;alert(1)"), "it is shown");
    assert!(page.contains("{{data}}"), "and what looks like a place is none");
}

#[test]
fn the_policy_names_what_is_in_the_page_and_nothing_else() {
    let page = page(&example::calm());
    let policy = between(&page, "http-equiv=\"Content-Security-Policy\" content=\"", "\"");
    assert!(policy.starts_with("default-src 'none'; script-src 'sha256-"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(policy.matches("'sha256-").count(), STYLES.len() + SCRIPTS.len());
    for name in STYLES.into_iter().chain(SCRIPTS) {
        let file = web::find(name).unwrap();
        assert!(policy.contains(&STANDARD.encode(file.hash)), "{name}");
        assert!(
            page.contains(std::str::from_utf8(&file.bytes).unwrap()),
            "{name} stands in the page as it is"
        );
    }
    // A known one: of the empty text.
    let empty = Inlined { text: Cow::Borrowed(""), hash: EMPTY };
    let known = "script-src 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='; style-src;";
    assert!(super::policy(&[empty], &[]).contains(known));
}

/// The SHA-256 of nothing.
const EMPTY: [u8; 32] = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27,
    0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];

#[test]
fn nothing_in_the_page_is_loaded_from_elsewhere() {
    for report in [example::calm::<Report>(), example::eventful()] {
        let page = page(&report);
        for mark in [
            " src=",
            "<link",
            "@import",
            "url(",
            "<iframe",
            "<object",
            "fetch(",
            "XMLHttpRequest",
            "sourceMappingURL",
        ] {
            let rest = page.replace(data_in(&page), "").replace("&lt;img src=x", "");
            assert!(!rest.contains(mark), "{mark}");
        }
    }
}

#[test]
fn no_file_of_the_page_would_end_its_element() {
    for path in paths().filter(|path| path.starts_with("load/")) {
        let file = web::find(&path).unwrap();
        let text = std::str::from_utf8(&file.bytes).unwrap().to_ascii_lowercase();
        let is_frame = path == PAGE;
        for mark in ["</script", "</style", "<!--"] {
            assert!(is_frame || !text.contains(mark), "{path} has {mark}");
        }
        assert!(!text.contains('\r'), "{path}: browsers hash what they read, which has no carriage returns");
        let used = is_frame || path == LICENCE || STYLES.contains(&&*path) || SCRIPTS.contains(&&*path);
        assert!(used, "{path} stands in no page");
    }
}

#[test]
fn the_licence_of_the_charts_goes_with_them() {
    let page = page(&example::calm());
    assert!(page.contains("Copyright (c) 2022 Leon Sorokin"));
    assert!(page.contains("The above copyright notice and this permission notice shall be included in"));
}

#[test]
fn the_figures_stand_in_the_tables() {
    let report: Report = example::eventful();
    let page = page(&report);
    let figures = &report.figures;
    let events = &figures.events;
    let mut wanted: Vec<String> = [
        events.intended,
        events.sent,
        events.received,
        events.lost,
        events.lost_without_incident,
        events.duplicated,
        events.out_of_order,
        events.unexpected,
        events.not_sent,
        events.refused,
        events.unconfirmed,
    ]
    .map(count)
    .to_vec();
    let mut quantiles =
        vec![figures.latency_ms, figures.trials_ms, figures.lag_ms, figures.connect_ms, figures.pairing_ms];
    quantiles.extend(
        figures
            .incidents
            .iter()
            .filter(|incident| incident.recovered > 0)
            .map(|incident| incident.recovery_ms),
    );
    for one in quantiles {
        wanted.extend([one.p50, one.p90, one.p99, one.p999, one.max, one.mean].map(ms));
    }
    wanted.extend(
        figures.incidents.iter().flat_map(|incident| [incident.count, incident.recovered]).map(count),
    );
    wanted.extend(figures.errors.iter().map(|error| count(error.count)));
    for cell in wanted {
        assert!(page.contains(&format!("<td>{cell}</td>")), "no {cell}");
    }
    for fact in [bytes(figures.memory.bytes), bytes(figures.memory.bytes_per_socket), "1.21 cores".to_owned()]
    {
        assert!(page.contains(&format!("<dd>{fact}</dd>")), "no {fact}");
    }
}

#[test]
fn failed_gates_and_what_went_wrong_come_first() {
    let page = page(&example::eventful());
    let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("no {text:?}"));
    let order = [
        at("<h1>2 of 5 gates failed</h1>"),
        at("3,324 lost, 12 duplicated and 7 out of order"),
        at("The load generator was the bottleneck: one thread used 0.97 cores"),
        at("<code>--max-p99</code>"),
        at("<code>--max-lost</code>"),
        at("<code>--max-p50</code>"),
        at("<h2 id=\"charts\">"),
        at("<h2 id=\"figures\">"),
    ];
    assert!(order.is_sorted(), "{order:?}");
    assert!(page.contains("<title>2 of 5 gates failed – load test of demo, CRSocket</title>"));
}

#[test]
fn what_was_not_seen_is_said() {
    let page = page(&example::empty());
    assert!(page.contains("nothing: no event arrived while it was measured"));
    assert!(page.contains("nothing: they never all were at once"));
    assert!(page.contains("<h1>2 of 2 gates failed</h1>"));
}

#[test]
fn places_are_filled_once() {
    let parts = [("a", "{{b}}".to_owned()), ("b", "x".to_owned())];
    assert_eq!(fill("<{{a}}|{{b}}|{{a}}>", &parts).unwrap(), "<{{b}}|x|{{b}}>");
    assert!(matches!(fill("{{c}}", &parts), Err(HtmlError::UnknownPart(name)) if name == "c"));
}

#[test]
fn how_events_were_due_is_said() {
    let mut report: Report = example::calm();
    let sending = |report: &Report| between(&page(report), "<dt>Sending</dt><dd>", "</dd>").to_owned();
    assert_eq!(sending(&report), "closed loop: each trial waits for the one before");
    report.setting.open_loop = true;
    assert_eq!(sending(&report), "open loop, by its scenario");
    report.setting.rate_per_pair = Some(2.0);
    assert_eq!(sending(&report), "open loop, 2 events/s each pair");
}

#[test]
fn what_the_latency_leaves_out_stands_beside_it() {
    let mut report: Report = example::calm();
    assert!(!page(&report).contains("leaves out"));
    report.figures.events.received = 5_990;
    let few = page(&report);
    let missing = "leaves out at most 10 of the 6,000 intended events (0.17 %), which did not arrive.";
    assert!(few.contains(&format!("is in it. It {missing}")), "in the table of lengths");
    assert!(
        few.contains("<p>The latency leaves out at most 10 of the 6,000 intended events"),
        "in the verdict"
    );
    assert!(!few.contains("Mind:</strong> The latency"), "up to 1 % is no warning");
    report.figures.events.received = 5_000;
    assert!(
        page(&report)
            .contains("<p class=\"warning\"><strong>Mind:</strong> The latency leaves out at most 1,000")
    );
}

#[test]
fn a_headline_with_an_error_that_others_named_is_text() {
    let mut report: Report = example::calm();
    let kind = "</h1><script>x\u{1b}".to_owned();
    report.figures.errors = vec![crate::simulate::figures::ErrorFigures { kind, count: 2 }];
    let page = page(&report);
    assert!(
        page.contains("<h1>Both gates held, but 2 errors were seen (&lt;/h1&gt;&lt;script&gt;x\\u{1b})</h1>")
    );
    assert!(page.contains("data-tone=\"wait\"><svg class=\"seal\""));
}
