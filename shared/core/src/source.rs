//! Places in source text, as people are shown them.

/// Characters of a line that are shown; of a longer one the part around the place.
const WIDTH: usize = 100;

/// The line at a place (both from 1) with the one before it, and the place marked below:
///
/// ```text
///   2 | const a = 1;
/// > 3 | const b = ;
///     |           ^
/// ```
///
/// Empty if there is no such line.
pub fn frame(code: &str, line: u32, column: u32) -> String {
    // A last line that is empty is one too: where something is missing at the end.
    let lines: Vec<&str> = code.split('\n').map(|l| l.trim_end_matches('\r')).collect();
    let Some(at) = (line as usize).checked_sub(1).filter(|at| *at < lines.len()) else {
        return String::new();
    };
    let place = (column as usize).saturating_sub(1);
    let digits = line.to_string().len();
    let from = place.saturating_sub(WIDTH * 3 / 4);
    let cut = |text: &str| text.chars().skip(from).take(WIDTH).collect::<String>();
    let text = lines.get(at).copied().unwrap_or_default();
    let mut shown = String::new();
    if let Some(before) = at.checked_sub(1).map(|i| lines[i]).filter(|b| !b.trim().is_empty()) {
        shown += &format!("  {:digits$} | {}\n", at, cut(before));
    }
    // Tabs stay tabs, so that the mark stands below its character.
    let blank = |c: char| if c == '\t' { '\t' } else { ' ' };
    let marked: String = text.chars().skip(from).take(place - from).map(blank).collect();
    shown + &format!("> {line} | {}\n  {:digits$} | {marked}^", cut(text), "")
}

#[cfg(test)]
mod tests {
    use super::frame;

    #[test]
    fn the_mark_stands_below_the_place() {
        let shown = frame("a\nconst a = 1;\n\tconst b = ;\n", 3, 12);
        assert_eq!(shown, "  2 | const a = 1;\n> 3 | \tconst b = ;\n    | \t          ^");
    }

    #[test]
    fn ends_of_text_and_long_lines() {
        assert_eq!(frame("", 1, 1), "> 1 | \n    | ^");
        assert_eq!(frame("x", 9, 1), "");
        assert_eq!(frame("x", 0, 0), "");
        // One past the end, where something is missing.
        assert_eq!(frame("f(", 1, 3), "> 1 | f(\n    |   ^");
        let long = format!("{}!{}", "x".repeat(5_000), "y".repeat(5_000));
        let shown = frame(&long, 1, 5_001);
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines[0].find('!'), lines[1].find('^'));
        assert!(lines[0].len() < 120 && frame("é\u{1F600}x", 1, 3).ends_with("|   ^"));
    }
}
