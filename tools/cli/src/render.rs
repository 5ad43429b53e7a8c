//! Tables and lines, as a person reads them.

use comfy_table::{Attribute, Cell, ContentArrangement, Table, modifiers, presets};
use serde_json::Value;

use crate::screen::Screen;

mod runs;
mod search;

pub use runs::{run_header, runs_table, stack_runs_table};
pub use search::{domains_table, samples_table, summary_table, unreachable_table};

/// An empty table as wide as `screen` allows.
pub fn table(screen: Screen, header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_preset(presets::UTF8_FULL_CONDENSED)
        .apply_modifier(modifiers::UTF8_ROUND_CORNERS)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(screen.width());
    if !screen.is_terminal() {
        table.force_no_tty();
    }
    if !header.is_empty() {
        table.set_header(header.iter().map(|text| Cell::new(text).add_attribute(Attribute::Bold)));
    }
    table
}

/// `29503` -> `29,503`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// One line of at most `width` columns. Mail is written by strangers: what could steer a terminal
/// (escapes, line breaks, changes of writing direction) does not get through.
pub fn one_line(text: &str, width: usize) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    let clean: String = text.chars().map(|c| if steers(c) { ' ' } else { c }).collect();
    let words: Vec<&str> = clean.split_whitespace().collect();
    console::truncate_str(&words.join(" "), width, "…").into_owned()
}

/// Milliseconds as a person says them: `85 ms`, `2.50 s`, `3 min 20 s`.
pub fn duration(ms: i64) -> String {
    match ms {
        ..1000 => format!("{ms} ms"),
        #[expect(clippy::cast_precision_loss, reason = "below a minute")]
        1000..60_000 => format!("{:.2} s", ms as f64 / 1000.0),
        _ => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1000),
    }
}

/// Milliseconds between two ISO times of a row.
pub fn between(row: &Value, from: &str, to: &str) -> Option<i64> {
    Some(instant(&row[to])? - instant(&row[from])?)
}

/// Milliseconds since the epoch of an ISO time.
pub fn instant(value: &Value) -> Option<i64> {
    value.as_str()?.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
}

/// The text of a JSON string, else the JSON itself; nothing for null.
pub fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// `TypeError: x is not a function (line 3, column 7)`, of an error column.
pub fn headline(error: &Value) -> String {
    let Some(message) = error["message"].as_str() else { return plain(error) };
    let mut text = match error["name"].as_str() {
        Some(name) if name != "Error" => format!("{name}: {message}"),
        _ => message.to_owned(),
    };
    if let Some(line) = error["line"].as_u64() {
        let column = error["column"].as_u64().map(|c| format!(", column {c}")).unwrap_or_default();
        text += &format!(" (line {line}{column})");
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(
            [0, 999, 1000, 29_503, 1_234_567].map(grouped),
            ["0", "999", "1,000", "29,503", "1,234,567"]
        );
    }

    #[test]
    fn lines_are_cut_by_columns_and_cannot_steer_the_terminal() {
        assert_eq!(one_line("日本語のメール", 7), "日本語…");
        assert_eq!(one_line("a\u{1b}[2J\nb\u{202e}c", 20), "a [2J b c");
        assert_eq!(one_line("👩‍👩‍👧 ok", 3).chars().last(), Some('…'));
    }

    #[test]
    fn durations_and_errors_read_well() {
        assert_eq!([85, 2500, 200_000].map(duration), ["85 ms", "2.50 s", "3 min 20 s"]);
        let error = json!({ "name": "TypeError", "message": "x is not a function", "line": 3, "column": 7 });
        assert_eq!(headline(&error), "TypeError: x is not a function (line 3, column 7)");
        assert_eq!(headline(&json!("plain")), "plain");
    }

    #[test]
    fn times_are_iso() {
        let row = json!({ "created_at": "2026-11-22T10:00:00.000Z", "ended_at": "2026-11-22T10:00:01.500Z" });
        assert_eq!(between(&row, "created_at", "ended_at"), Some(1500));
        assert_eq!(between(&row, "created_at", "updated_at"), None);
    }
}
