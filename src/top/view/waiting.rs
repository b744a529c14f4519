//! The table of crSockets that have not been interacting for the longest time.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Text};
use ratatui::widgets::{Row, Table};

use super::super::api::{Snapshot, Socket};
use super::super::text::{count, length, printable};
use super::Look;

/// A column: its name, how wide it is, and at which width of the terminal it is there. State and time are always there.
struct Column {
    name: &'static str,
    width: Constraint,
    from: u16,
    is_number: bool,
    text: fn(&Socket, i64) -> String,
}

const COLUMNS: [Column; 7] = [
    Column {
        name: "socketId",
        width: Constraint::Length(9),
        from: 47,
        is_number: true,
        text: |socket, _| socket.socket_id.to_string(),
    },
    Column {
        name: "app",
        width: Constraint::Fill(1),
        from: 76,
        is_number: false,
        text: |socket, _| printable(&socket.app),
    },
    Column {
        name: "role",
        width: Constraint::Length(10),
        from: 88,
        is_number: false,
        text: |socket, _| printable(&socket.role),
    },
    Column {
        name: "clientId",
        width: Constraint::Length(8),
        from: 56,
        is_number: false,
        text: |socket, _| client_id(socket.client_id.as_deref()),
    },
    Column {
        name: "partner",
        width: Constraint::Length(7),
        from: 66,
        is_number: false,
        text: |socket, _| client_id(socket.partner_client_id.as_deref()),
    },
    Column {
        name: "state",
        width: Constraint::Length(25),
        from: 0,
        is_number: false,
        text: |socket, _| state(socket),
    },
    Column {
        name: "for",
        width: Constraint::Length(11),
        from: 0,
        is_number: true,
        text: |socket, at| length(socket.age(at)),
    },
];

/// How many rows it wants: a title, and the names of the columns where there is somebody.
pub(super) fn rows(snapshot: &Snapshot) -> u16 {
    match snapshot.waiting.sockets.len() {
        0 => 1,
        n => super::rows(n + 2),
    }
}

pub(super) fn draw(frame: &mut Frame<'_>, snapshot: &Snapshot, look: Look, area: Rect) {
    let [head, body] = area.layout(&Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]));
    frame.render_widget(Line::styled(title(snapshot), look.heading()), head);
    if snapshot.waiting.sockets.is_empty() {
        return;
    }
    let columns: Vec<&Column> = COLUMNS.iter().filter(|column| area.width >= column.from).collect();
    let at = snapshot.stats.at;
    let rows = snapshot.waiting.sockets.iter().map(|socket| {
        Row::new(columns.iter().map(|column| cell(column, (column.text)(socket, at))))
            .style(emphasis(socket, look))
    });
    let names = Row::new(columns.iter().map(|column| cell(column, column.name.to_owned()))).style(look.dim());
    let widths = columns.iter().map(|column| column.width);
    frame.render_widget(Table::new(rows, widths).header(names), body);
}

fn title(snapshot: &Snapshot) -> String {
    let (all, shown) = (snapshot.waiting.total, snapshot.waiting.sockets.len());
    match (snapshot.stats.sockets.total, all) {
        (0, 0) => "No crSocket is hosted".to_owned(),
        (_, 0) => "All crSockets interact".to_owned(),
        (_, all) => format!("Longest not interacting, {shown} of {}", count(all)),
    }
}

fn cell(column: &Column, text: String) -> Text<'static> {
    let text = Text::raw(text);
    if column.is_number { text.right_aligned() } else { text }
}

fn state(socket: &Socket) -> String {
    let sub_state = socket.sub_state.as_deref().filter(|sub_state| !sub_state.is_empty());
    printable(&match sub_state {
        Some(sub_state) => format!("{}/{sub_state}", socket.state),
        None => socket.state.clone(),
    })
}

fn client_id(client_id: Option<&str>) -> String {
    client_id.map_or_else(|| "-".to_owned(), printable)
}

/// A passive one rests: its enclosing client wants it so, or has not said who it is.
fn emphasis(socket: &Socket, look: Look) -> Style {
    match socket.state.as_str() {
        "passive" => look.dim(),
        "searching" => look.warning(),
        _ => Style::new(),
    }
}
