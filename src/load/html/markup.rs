//! Pieces of markup.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::load::words::plain;

/// A text as text, whoever chose it.
pub(super) fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"', '\'']) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    Cow::Owned(escaped)
}

/// A text that others chose: on a line, and as text.
pub(super) fn foreign(text: &str) -> String {
    escape(&plain(text)).into_owned()
}

/// A table: its heading, its columns (the first names the rows), its rows as texts.
///
/// A name may have a second line, which says what it means.
pub(super) fn table(heading: &str, note: &str, columns: &[&str], rows: &[Vec<String>]) -> String {
    let id: String = heading.chars().filter(char::is_ascii_alphanumeric).collect();
    let mut markup =
        format!("<section class=\"card\" aria-labelledby=\"{id}\"><h3 id=\"{id}\">{}</h3>", escape(heading));
    if !note.is_empty() {
        let _ = write!(markup, "<p class=\"soft\">{}</p>", escape(note));
    }
    if rows.is_empty() {
        markup.push_str("<p>None.</p></section>");
        return markup;
    }
    let prose = if rows.iter().flatten().any(|cell| cell.contains('\n')) { " class=\"prose\"" } else { "" };
    let _ = write!(
        markup,
        "<div class=\"wide\" tabindex=\"0\" role=\"group\" aria-labelledby=\"{id}\"><table{prose}><thead><tr>"
    );
    for column in columns {
        let _ = write!(markup, "<th scope=\"col\">{}</th>", escape(column));
    }
    markup.push_str("</tr></thead><tbody>");
    for row in rows {
        markup.push_str("<tr>");
        for (at, cell) in row.iter().enumerate() {
            let _ = match (at, cell.split_once('\n')) {
                (0, Some((name, meaning))) => {
                    let (name, meaning) = (foreign(name), foreign(meaning));
                    write!(markup, "<th scope=\"row\">{name}<small>{meaning}</small></th>")
                }
                (0, None) => write!(markup, "<th scope=\"row\">{}</th>", foreign(cell)),
                _ => write!(markup, "<td>{}</td>", foreign(cell)),
            };
        }
        markup.push_str("</tr>");
    }
    markup.push_str("</tbody></table></div></section>");
    markup
}

/// Names and what they stand for, where there are no columns to compare.
pub(super) fn facts(heading: &str, facts: &[(&str, String)]) -> String {
    let id: String = heading.chars().filter(char::is_ascii_alphanumeric).collect();
    let mut markup = format!(
        "<section class=\"card\" aria-labelledby=\"{id}\"><h3 id=\"{id}\">{}</h3><dl class=\"facts\">",
        escape(heading)
    );
    for (name, value) in facts {
        let _ = write!(markup, "<div><dt>{}</dt><dd>{}</dd></div>", escape(name), foreign(value));
    }
    markup.push_str("</dl></section>");
    markup
}
