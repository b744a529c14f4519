//! The top of the page: whether it went well.

use std::fmt::Write as _;

use super::markup::{escape, foreign};
use crate::load::gates::why_unseen;
use crate::load::report::{Gate, Report};
use crate::load::table::bound;
use crate::load::verdict::{Tone, failed_first, verdict, warnings};
use crate::load::words::{
    NONE, calendar, count, counted, limit_of_gate, ms, of_gate, part, plain, rate, seconds,
};
use crate::simulate::figures::EventFigures;

/// Signs that tell the tones apart without their colours: drawn, so that no font must have them.
const GOOD: &str = "<path d=\"M13 25l8 8 15-17\"/>";
const CARE: &str = "<path d=\"M24 12v15M24 34v1.5\"/>";
const BAD: &str = "<path d=\"M15 15l18 18M33 15L15 33\"/>";

/// Of the window.
pub(super) fn title(report: &Report) -> String {
    format!("{} – load test of {}, CRSocket", verdict(report).headline, plain(&report.setting.app))
}

/// When it began.
pub(super) fn begun(report: &Report) -> String {
    escape(&calendar(report.started_at)).into_owned()
}

/// The verdict, what it was about, warnings, gates.
pub(super) fn summary(report: &Report) -> String {
    let said = verdict(report);
    let (tone, sign) = match said.tone {
        Tone::Good => ("good", GOOD),
        Tone::Care => ("wait", CARE),
        Tone::Bad => ("stop", BAD),
    };
    let mut markup = format!(
        "<section class=\"verdict card\" data-tone=\"{tone}\"><svg class=\"seal\" viewBox=\"0 0 48 48\" aria-hidden=\"true\">\
         <circle cx=\"24\" cy=\"24\" r=\"22\"/>{sign}</svg><div><h1>{}</h1><p class=\"about\">{}</p>",
        escape(&said.headline),
        about(report)
    );
    for sentence in &said.sentences {
        let _ = write!(markup, "<p>{}</p>", escape(&unbroken(sentence)));
    }
    markup.push_str("</div></section>");
    for warning in warnings(report) {
        let _ = write!(markup, "<p class=\"warning\"><strong>Mind:</strong> {}</p>", escape(&warning));
    }
    markup.push_str(&gates(&report.gates));
    markup
}

/// With figures that stay with their units at the end of a line.
fn unbroken(text: &str) -> String {
    const UNITS: [&str; 6] = ["µs", "ms", "s", "min", "h", "%"];
    let mut words = text.split(' ').peekable();
    let mut joined = String::with_capacity(text.len());
    while let Some(word) = words.next() {
        joined.push_str(word);
        let Some(next) = words.peek() else { break };
        let is_unit = UNITS.contains(&next.trim_end_matches(['.', ',', ';']));
        let is_figure = word.ends_with(|c: char| c.is_ascii_digit());
        joined.push(if is_unit && is_figure { '\u{a0}' } else { ' ' });
    }
    joined
}

/// What was measured, in a line.
fn about(report: &Report) -> String {
    let setting = &report.setting;
    let server = match &setting.server {
        Some(server) => format!("at <strong>{}</strong>", foreign(server)),
        None => "on a server in the same process".to_owned(),
    };
    format!(
        "Load test of <strong>{}</strong> {server}: {} with scenario <strong>{}</strong>, measured for {}",
        foreign(&setting.app),
        counted(u64::from(setting.pairs), "pair"),
        foreign(&setting.scenario),
        seconds(report.figures.seconds)
    )
}

fn gates(gates: &[Gate]) -> String {
    if gates.is_empty() {
        return String::new();
    }
    let mut markup = "<section class=\"card\" aria-labelledby=\"gates\"><h2 id=\"gates\">Gates</h2><div class=\"wide\" \
         tabindex=\"0\" role=\"group\" aria-labelledby=\"gates\"><table class=\"gates\"><thead><tr><th scope=\"col\">Gate</th>\
         <th scope=\"col\">Result</th><th scope=\"col\">Seen</th><th scope=\"col\">Accepted</th></tr></thead><tbody>"
        .to_owned();
    for gate in failed_first(gates) {
        let (word, tone) = if gate.passed { ("passed", "good") } else { ("failed", "stop") };
        let seen = match gate.seen {
            Some(seen) => of_gate(seen, &gate.unit),
            None => format!("nothing: {}", why_unseen(&gate.flag)),
        };
        let _ = write!(
            markup,
            "<tr><th scope=\"row\"><code>{}</code></th><td><span class=\"badge\" data-tone=\"{tone}\">{word}</span></td><td>{}\
             </td><td>{} {}</td></tr>",
            foreign(&gate.flag),
            escape(&seen),
            bound(&gate.flag),
            escape(&unbroken(&limit_of_gate(gate.limit, &gate.unit)))
        );
    }
    markup.push_str("</tbody></table></div></section>");
    markup
}

/// The figures that are looked for first.
pub(super) fn tiles(report: &Report) -> String {
    let events = &report.figures.events;
    let latency = &report.figures.latency_ms;
    let length = |value: f64| if latency.count == 0 { NONE.to_owned() } else { ms(value) };
    let note = |of_latency| if latency.count == 0 { "no event arrived" } else { of_latency };
    let of_received = |value: u64| note_of(value, events.received, "of those received");
    [
        tile("Lost", &count(events.lost), &lost(events), flaw(events.lost, events.lost_without_incident)),
        tile(
            "Duplicated",
            &count(events.duplicated),
            &of_received(events.duplicated),
            flaw(events.duplicated, events.duplicated),
        ),
        tile(
            "Out of order",
            &count(events.out_of_order),
            &of_received(events.out_of_order),
            flaw(events.out_of_order, events.out_of_order),
        ),
        tile("Latency p50", &length(latency.p50), note("half were no slower"), ""),
        tile("Latency p99", &length(latency.p99), note("99 in 100 were no slower"), ""),
        tile("Latency max", &length(latency.max), note("the slowest"), ""),
        tile("Throughput", &format!("{}/s", rate(events.per_second)), "events received", ""),
    ]
    .concat()
}

fn lost(events: &EventFigures) -> String {
    match events.lost {
        0 => note_of(0, events.sent, ""),
        lost => format!("{} of those sent", part(lost, events.sent)),
    }
}

fn note_of(value: u64, whole: u64, of: &str) -> String {
    match (value, whole) {
        (_, 0) => "nothing to count".to_owned(),
        (0, _) => format!("of {}", count(whole)),
        _ => format!("{} {of}", part(value, whole)),
    }
}

/// The tone of a count that should be nothing: what is not explained is wrong.
fn flaw(value: u64, unexplained: u64) -> &'static str {
    match (value, unexplained) {
        (0, _) => "",
        (_, 0) => "wait",
        _ => "stop",
    }
}

fn tile(label: &str, value: &str, note: &str, tone: &str) -> String {
    format!(
        "<div class=\"tile\" data-tone=\"{tone}\"><dt>{}</dt><dd class=\"value\">{}</dd><dd class=\"note\">{}</dd></div>",
        escape(label),
        escape(value),
        escape(note)
    )
}
