//! Plain lines: each is a word that says of what it is, and `key=value` pairs in a fixed order. What there is none of is `-`.
//! A value with other than `[0-9A-Za-z._:/-]` stands in double quotes, as in Rust.

use std::fmt::Display;
use std::time::Duration;

use super::api::{Latency, Process, Rates, Sessions, Snapshot, Socket, Sockets};
use super::problem::Problem;

/// A snapshot as a block of lines.
pub(super) fn lines(snapshot: &Snapshot) -> Vec<String> {
    let Snapshot { stats, waiting } = snapshot;
    let mut lines = vec![
        Line::of("top")
            .with("at", stats.at)
            .text("version", &stats.version)
            .with("uptimeMs", stats.uptime_ms),
    ];
    lines.extend(sockets(&stats.sockets));
    lines.push(sessions(&stats.sessions));
    lines.extend(speed(&stats.rates, &stats.latency));
    lines.extend(stats.counters.iter().map(|counter| {
        let line = Line::of("counter").text("family", &counter.family).text("reason", &counter.reason);
        line.with("count", counter.count).with("perSecond", counter.per_second)
    }));
    lines.push(process(&stats.process).with("latestTimerMs", stats.latest_timer_ms));
    lines.push(Line::of("notInteracting").with("total", waiting.total));
    lines.extend(waiting.sockets.iter().map(|socket| one_waiting(socket, stats.at)));
    lines.into_iter().map(|line| line.0).collect()
}

fn sockets(sockets: &Sockets) -> Vec<Line> {
    let total = Line::of("sockets").with("total", sockets.total);
    let by_state = sockets.by_state.named().into_iter().fold(total, |line, (state, n)| line.with(state, n));
    let by_app = sockets.by_app.iter().map(|of| {
        let line = Line::of("app").text("app", &of.app).text("role", &of.role);
        line.text("state", &of.state).with("count", of.count)
    });
    [by_state].into_iter().chain(by_app).collect()
}

fn sessions(sessions: &Sessions) -> Line {
    Line::of("sessions")
        .with("total", sessions.total)
        .with("reserved", sessions.reserved)
        .with("hosted", sessions.hosted)
        .with("endings", sessions.endings)
        .with("streams", sessions.streams)
        .with("outputBytes", sessions.output_bytes)
        .with("lineBytes", sessions.line_bytes)
}

fn speed(rates: &Rates, latency: &Latency) -> [Line; 2] {
    let rates = Line::of("rates")
        .with("eventsAccepted", rates.events_accepted)
        .with("eventsDropped", rates.events_dropped)
        .with("sessionsBegan", rates.sessions_began)
        .with("transitions", rates.transitions);
    let latency = Line::of("latency")
        .with("count", latency.count)
        .maybe("p50Us", latency.p50_us)
        .maybe("p90Us", latency.p90_us)
        .maybe("p99Us", latency.p99_us)
        .maybe("p999Us", latency.p999_us)
        .maybe("maxUs", latency.max_us);
    [rates, latency]
}

fn process(process: &Process) -> Line {
    Line::of("process")
        .maybe("memoryBytes", process.memory_bytes)
        .maybe("cpuSeconds", process.cpu_seconds)
        .maybe("cpuCores", process.cpu_cores)
        .maybe("openFiles", process.open_files)
        .maybe("threads", process.threads)
}

fn one_waiting(socket: &Socket, at: i64) -> Line {
    Line::of("waiting")
        .with("socketId", socket.socket_id)
        .text("app", &socket.app)
        .text("role", &socket.role)
        .text("clientId", socket.client_id.as_deref().unwrap_or_default())
        .text("partnerClientId", socket.partner_client_id.as_deref().unwrap_or_default())
        .text("state", &socket.state)
        .text("subState", socket.sub_state.as_deref().unwrap_or_default())
        .with("forMs", socket.age(at))
}

/// That there was no snapshot, and how long there has been none.
pub(super) fn lost(problem: &Problem, since: Duration) -> Vec<String> {
    vec![Line::of("lost").with("forMs", since.as_millis()).text("problem", &problem.to_string()).0]
}

struct Line(String);

impl Line {
    fn of(what: &str) -> Line {
        Line(what.to_owned())
    }

    fn with(self, key: &str, value: impl Display) -> Line {
        Line(format!("{} {key}={value}", self.0))
    }

    fn maybe(self, key: &str, value: Option<impl Display>) -> Line {
        match value {
            Some(value) => self.with(key, value),
            None => self.with(key, "-"),
        }
    }

    /// Debug quotes escape whatever could end a line or steer a terminal.
    fn text(self, key: &str, value: &str) -> Line {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "._:/-".contains(c);
        match value {
            "" => self.with(key, "-"),
            value if value != "-" && value.chars().all(is_plain) => self.with(key, value),
            value => self.with(key, format_args!("{value:?}")),
        }
    }
}

#[cfg(test)]
mod tests;
