//! The figures of a snapshot as lines.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::super::api::{Counter, Process, Sockets, Stats};
use super::super::text::{bytes, count, microseconds, printable, rate};
use super::Look;

/// How wide a state and its count are: as wide as `readyToConnect` and a million, and a gap.
const CELL: usize = 26;

/// How many reasons are shown.
const LOSSES: usize = 8;

/// How many crSockets there are, and in which states, in as many columns as fit.
pub(super) fn states(sockets: &Sockets, look: Look, width: u16) -> Vec<Line<'static>> {
    let columns = (usize::from(width) / CELL).clamp(1, 6);
    let cell = |(state, n): &(&'static str, u64)| {
        let style = match (*state, *n) {
            (_, 0) => look.dim(),
            ("interacting", _) => look.good(),
            ("searching" | "passive", _) => look.warning(),
            _ => Style::new(),
        };
        Span::styled(format!("{state:<14} {:>9}  ", count(*n)), style)
    };
    let title = format!("crSockets {}", count(sockets.total));
    let rows = sockets.by_state.named();
    let rows = rows.chunks(columns).map(|row| Line::from(row.iter().map(cell).collect::<Vec<_>>()));
    [Line::styled(title, look.heading())].into_iter().chain(rows).collect()
}

/// Sessions, rates, latency and the process: a line each.
pub(super) fn figures(stats: &Stats, look: Look) -> Vec<Line<'static>> {
    let (sessions, rates) = (&stats.sessions, &stats.rates);
    let dropped = if rates.events_dropped > 0.0 { look.warning() } else { Style::new() };
    vec![
        Line::styled("Server", look.heading()),
        line(
            "sessions",
            vec![
                format!(
                    "{}, {} hosted, {} reserved, {} ending",
                    count(sessions.total),
                    count(sessions.hosted),
                    count(sessions.reserved),
                    count(sessions.endings)
                )
                .into(),
            ],
        ),
        line(
            "streams",
            vec![
                format!(
                    "{}, {} in outputs, {} in waiting lines",
                    count(sessions.streams),
                    bytes(sessions.output_bytes),
                    bytes(sessions.line_bytes)
                )
                .into(),
            ],
        ),
        line(
            "a second",
            vec![
                format!("{} events accepted, ", rate(rates.events_accepted)).into(),
                Span::styled(format!("{} dropped", rate(rates.events_dropped)), dropped),
                format!(", {} sessions, {} transitions", rate(rates.sessions_began), rate(rates.transitions))
                    .into(),
            ],
        ),
        line("routing", vec![latency(stats).into()]),
        line("process", vec![process(&stats.process).into()]),
        line("timers", vec![format!("at most {} ms late", stats.latest_timer_ms).into()]),
    ]
}

fn line(name: &'static str, spans: Vec<Span<'static>>) -> Line<'static> {
    [Span::raw(format!("{name:<9} "))].into_iter().chain(spans).collect()
}

fn latency(stats: &Stats) -> String {
    let latency = &stats.latency;
    if latency.count == 0 {
        return "no event of late".to_owned();
    }
    let named = [
        ("p50", latency.p50_us),
        ("p90", latency.p90_us),
        ("p99", latency.p99_us),
        ("p99.9", latency.p999_us),
        ("max", latency.max_us),
    ];
    let known = named.into_iter().filter_map(|(name, us)| Some(format!("{name} {}", microseconds(us?))));
    known.collect::<Vec<_>>().join(", ")
}

/// What the system does not tell is left out.
fn process(process: &Process) -> String {
    let known = [
        process.memory_bytes.map(bytes),
        process.cpu_cores.map(|cores| format!("{cores:.2} cores")),
        process.open_files.map(|n| format!("{} files", count(n))),
        process.threads.map(|n| format!("{} threads", count(n))),
    ];
    known.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// What did not get where it should, by reason: what happens now first.
pub(super) fn losses(stats: &Stats, look: Look) -> Vec<Line<'static>> {
    let mut losses: Vec<&Counter> = stats.counters.iter().filter(|counter| counter.is_loss()).collect();
    losses.sort_by(|a, b| b.per_second.total_cmp(&a.per_second).then(b.count.cmp(&a.count)));
    if losses.is_empty() {
        return Vec::new();
    }
    let title = format!("{:<40} {:>12} {:>10}", "Not delivered", "in all", "a second");
    let rows = losses.into_iter().take(LOSSES).map(|counter| {
        let name = printable(&format!("{} {}", counter.family, counter.reason));
        let style = if counter.per_second > 0.0 { look.warning() } else { Style::new() };
        let text = format!("{name:<40} {:>12} {:>10}", count(counter.count), rate(counter.per_second));
        Line::styled(text, style)
    });
    [Line::styled(title, look.heading())].into_iter().chain(rows).collect()
}
