//! A snapshot as a frame of the terminal, of whatever size that is.

mod figures;
mod waiting;

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};

use super::api::Snapshot;
use super::problem::Problem;
use super::text::{length, printable, time_of_day};

/// What is drawn.
#[derive(Debug)]
pub(super) struct View<'a> {
    pub(super) url: &'a str,
    pub(super) interval: Duration,
    pub(super) snapshot: &'a Snapshot,
    pub(super) paused: bool,
    /// Why there is nothing newer, and how old this is.
    pub(super) lost: Option<(&'a Problem, Duration)>,
    pub(super) colours: bool,
}

/// Draws it.
pub(super) fn draw(frame: &mut Frame<'_>, view: &View<'_>) {
    let area = frame.area();
    let look = Look { colours: view.colours };
    let problem = view.lost.map(|(problem, _)| format!("Trying again: {problem}"));
    let problem_rows = problem.as_ref().map_or(0, |text| rows_of(text, area));
    let footer_rows = u16::from(area.height >= 10);
    let rows = [
        Constraint::Length(1),
        Constraint::Length(problem_rows),
        Constraint::Fill(1),
        Constraint::Length(footer_rows),
    ];
    let [head, trouble, body, footer] = area.layout(&Layout::vertical(rows));
    frame.render_widget(header(view, look, head.width), head);
    if let Some(problem) = problem {
        frame.render_widget(Paragraph::new(problem).style(look.bad()).wrap(Wrap { trim: true }), trouble);
    }
    draw_body(frame, view.snapshot, look, body);
    frame.render_widget(keys(view, look), footer);
}

/// The states, what is dropped and who waits matter most; the rest is there where there is room.
fn draw_body(frame: &mut Frame<'_>, snapshot: &Snapshot, look: Look, area: Rect) {
    let states = figures::states(&snapshot.stats.sockets, look, area.width);
    let figures = figures::figures(&snapshot.stats, look);
    let losses = figures::losses(&snapshot.stats, look);
    let wanted = [rows(states.len()), rows(figures.len()), rows(losses.len()), waiting::rows(snapshot)];
    let [of_states, of_figures, of_losses, of_waiting] = places(area, share(area.height, wanted));
    frame.render_widget(Paragraph::new(states), of_states);
    frame.render_widget(Paragraph::new(figures), of_figures);
    frame.render_widget(Paragraph::new(losses), of_losses);
    waiting::draw(frame, snapshot, look, of_waiting);
}

/// One below the other, with an empty row between them where there is room for all of these.
fn places(area: Rect, rows: [u16; 4]) -> [Rect; 4] {
    let used = rows.into_iter().fold(0, u16::saturating_add);
    let gaps = rows.into_iter().skip(1).filter(|rows| *rows > 0).count();
    let gap = u16::from(usize::from(area.height.saturating_sub(used)) >= gaps);
    let mut y = area.y;
    rows.map(|height| {
        let place = Rect { y, height, ..area };
        y = y.saturating_add(height).saturating_add(if height > 0 { gap } else { 0 });
        place.intersection(area)
    })
}

/// How many rows each part gets of those that there are: first the states, then a few who wait, then the figures, then what
/// is dropped, then the rest of those who wait. A title with nothing below it says nothing.
fn share(rows: u16, [states, figures, losses, waiting]: [u16; 4]) -> [u16; 4] {
    let mut left = rows;
    let mut take = |wanted: u16| {
        let taken = wanted.min(left);
        left -= taken;
        taken
    };
    let states = take(states);
    let first_waiting = take(waiting.min(5));
    let figures = take(figures);
    let losses = take(losses);
    let losses_shown = if losses < 2 { 0 } else { losses };
    let more_waiting = take(waiting - first_waiting).saturating_add(losses - losses_shown);
    [states, figures, losses_shown, first_waiting + more_waiting]
}

fn header<'a>(view: &View<'a>, look: Look, width: u16) -> Line<'a> {
    let stats = &view.snapshot.stats;
    let state = match (view.lost, view.paused) {
        (Some((_, since)), _) => {
            let since = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
            Some(Span::styled(format!(" NO ANSWER for {} ", length(since)), look.alarm()))
        }
        (None, true) => Some(Span::styled(" PAUSED ", look.alarm())),
        (None, false) => None,
    };
    let version = format!("crsocket {}", printable(&stats.version));
    let at = format!("{} UTC", time_of_day(stats.at));
    let mut spans = vec![Span::styled(version, look.title())];
    // What is wrong is said first, so that a narrow terminal shows it.
    spans.extend(state.into_iter().flat_map(|state| [Span::raw(" "), state]));
    spans.push(Span::raw(format!("  {}  up {}", view.url, length(stats.uptime_ms))));
    let used: usize = spans.iter().map(Span::width).sum();
    let room = usize::from(width).saturating_sub(used);
    if room > at.len() {
        spans.push(Span::raw(format!("{at:>room$}")));
    }
    Line::from(spans)
}

fn keys<'a>(view: &View<'_>, look: Look) -> Line<'a> {
    let every = view.interval.as_secs_f64();
    let pause = if view.paused { "p go on" } else { "p pause" };
    Line::styled(format!("q quit  {pause}  every {every} s"), look.dim())
}

/// How many rows a text takes about, when it is wrapped: at most four, and fewer in a small terminal.
fn rows_of(text: &str, area: Rect) -> u16 {
    let width = usize::from(area.width.max(1));
    // Words that do not fit leave gaps.
    let most = (area.height / 4).min(4);
    rows(text.chars().count().saturating_mul(9) / 8 / width + 1).min(most)
}

fn rows(n: usize) -> u16 {
    u16::try_from(n).unwrap_or(u16::MAX)
}

/// Emphasis, with colours or without.
#[derive(Clone, Copy, Debug)]
struct Look {
    colours: bool,
}

impl Look {
    fn title(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    fn heading(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD | Modifier::UNDERLINED)
    }

    fn dim(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    fn good(self) -> Style {
        self.coloured(Color::Green)
    }

    fn warning(self) -> Style {
        self.coloured(Color::Yellow)
    }

    fn bad(self) -> Style {
        self.coloured(Color::Red)
    }

    fn alarm(self) -> Style {
        self.bad().add_modifier(Modifier::REVERSED | Modifier::BOLD)
    }

    fn coloured(self, colour: Color) -> Style {
        if self.colours { Style::new().fg(colour) } else { Style::new() }
    }
}

#[cfg(test)]
mod tests;
