//! How a simulation is, at a terminal: a few lines that are drawn anew, or one line now and then.

use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::protocol::ids::{ClientId, Role};
use crate::protocol::socket::State;
use crate::simulate::figures::Figures;
use crate::simulate::run::{Run, Sample};

/// How often a plain line is printed, in looks.
const PLAIN_EVERY: u64 = 5;

/// How many lines are drawn.
const LINES: usize = 6;

/// What shows it.
pub(super) struct View {
    title: String,
    /// Its lines, where it is drawn.
    drawn: Option<Vec<ProgressBar>>,
    looks: u64,
    has_gathered: bool,
}

impl View {
    pub(super) fn new(title: &str) -> View {
        let drawn = io::stdout().is_terminal().then(|| {
            let all = MultiProgress::with_draw_target(ProgressDrawTarget::stdout());
            let style = ProgressStyle::with_template("{wide_msg}")
                .unwrap_or_else(|_| ProgressStyle::default_spinner());
            (0..LINES).map(|_| all.add(ProgressBar::new_spinner().with_style(style.clone()))).collect()
        });
        View { title: title.to_owned(), drawn, looks: 0, has_gathered: false }
    }

    pub(super) fn begin(&mut self, admin: &[SocketAddr], out: &mut impl Write) -> io::Result<()> {
        self.say(&self.title, out)?;
        for address in admin {
            self.say(&format!("admin page: http://{address}/admin/"), out)?;
        }
        self.say("Ctrl-C ends it.", out)
    }

    /// A single client has this clientId.
    pub(super) fn name(&self, role: Role, id: ClientId, out: &mut impl Write) -> io::Result<()> {
        self.say(&format!("{} {id}", role.as_str()), out)
    }

    /// How it is now.
    pub(super) fn show(&mut self, sample: &Sample, run: &Run, out: &mut impl Write) -> io::Result<()> {
        self.looks += 1;
        if let (Some(at), false) = (run.all_interacting_at(), self.has_gathered) {
            self.has_gathered = true;
            self.say(&format!("all interacting after {:.1} s", at.as_secs_f64()), out)?;
        }
        match &self.drawn {
            Some(lines) => {
                for (line, text) in lines.iter().zip(drawn(sample, run)) {
                    line.set_message(text);
                    line.tick();
                }
                Ok(())
            }
            None if self.looks == 1 || self.looks.is_multiple_of(PLAIN_EVERY) => {
                writeln!(out, "{}", plain(sample, run))?;
                out.flush()
            }
            None => Ok(()),
        }
    }

    /// It is over.
    pub(super) fn end(&mut self, figures: &Figures, out: &mut impl Write) -> io::Result<()> {
        if let Some(lines) = self.drawn.take() {
            lines.iter().for_each(ProgressBar::finish_and_clear);
        }
        let Figures { sockets, memory, cpu, pings, events, latency_ms, .. } = figures;
        writeln!(
            out,
            "{} of {} interacting; {} of memory for each; {:.2} cores; timers at most {} ms late; left interacting \
             unplanned: {}",
            sockets.interacting,
            sockets.total,
            bytes(memory.bytes_per_socket),
            cpu.cores,
            pings.max_late_ms,
            sockets.left_interacting
        )?;
        if events.intended > 0 {
            writeln!(
                out,
                "{} events, {:.1} a second; latency p50 {:.1} ms, p99 {:.1} ms, at most {:.1} ms; {} duplicated, {} out of \
                 order",
                events.received,
                events.per_second,
                latency_ms.p50,
                latency_ms.p99,
                latency_ms.max,
                events.duplicated,
                events.out_of_order
            )?;
        }
        for incident in &figures.incidents {
            let recovery = &incident.recovery_ms;
            writeln!(
                out,
                "{}: {}, {} recovered, half of them within {:.0} ms, all within {:.0} ms",
                incident.kind, incident.count, incident.recovered, recovery.p50, recovery.max
            )?;
        }
        for error in &figures.errors {
            writeln!(out, "{}: {}", error.kind, error.count)?;
        }
        out.flush()
    }

    fn say(&self, text: &str, out: &mut impl Write) -> io::Result<()> {
        match &self.drawn {
            Some(lines) => lines
                .first()
                .map_or(Ok(()), |line| line.suspend(|| writeln!(out, "{text}").and_then(|()| out.flush()))),
            None => {
                writeln!(out, "{text}")?;
                out.flush()
            }
        }
    }
}

fn drawn(sample: &Sample, run: &Run) -> [String; LINES] {
    let counts = &run.totals().whole().counts;
    let memory = run.totals().figures().memory;
    [
        format!("  {:>6.0} s", sample.at.as_secs_f64()),
        format!("  states    {}", states(sample)),
        format!(
            "  events    {:.0} a second, {} in all; {} duplicated, {} out of order, {} not sent",
            sample.received_per_second(),
            counts.received,
            counts.duplicated,
            counts.out_of_order,
            counts.not_sent
        ),
        format!("  latency   {}", latency(sample)),
        format!("  timers    at most {} ms late in this second", sample.late_ms),
        format!(
            "  memory    {}, {} a crSocket; {:.2} cores",
            bytes(sample.memory_bytes),
            bytes(memory.bytes_per_socket),
            sample.cores
        ),
    ]
}

fn plain(sample: &Sample, run: &Run) -> String {
    format!(
        "{:.0} s: {}; {:.0} events a second; latency {}; timers at most {} ms late; {}; {:.2} cores; {} errors",
        sample.at.as_secs_f64(),
        states(sample),
        sample.received_per_second(),
        latency(sample),
        sample.late_ms,
        bytes(sample.memory_bytes),
        sample.cores,
        run.totals().whole().counts.all_errors()
    )
}

/// Those that there are, the furthest first.
fn states(sample: &Sample) -> String {
    let counts = State::NAMES.iter().zip(sample.tally.states).rev().filter(|(_, count)| *count > 0);
    let said: Vec<String> = counts.map(|(name, count)| format!("{count} {name}")).collect();
    if said.is_empty() { "nobody yet".to_owned() } else { said.join(", ") }
}

fn latency(sample: &Sample) -> String {
    let lengths = &sample.tally.durations.latency;
    match (lengths.percentile(50.0), lengths.percentile(99.0), lengths.longest()) {
        (Some(p50), Some(p99), Some(longest)) => {
            format!("p50 {p50:.1} ms, p99 {p99:.1} ms, at most {longest:.1} ms")
        }
        _ => "none".to_owned(),
    }
}

/// In the unit that suits it.
#[allow(clippy::cast_precision_loss, reason = "a figure to be read")]
fn bytes(count: u64) -> String {
    let count = count as f64;
    if count < 1e6 {
        format!("{:.2} KB", count / 1e3)
    } else if count < 1e9 {
        format!("{:.1} MB", count / 1e6)
    } else {
        format!("{:.2} GB", count / 1e9)
    }
}
