//! Rust without what is not code.

/// `text` with the contents of comments, strings and characters as blanks; lines stay lines.
pub fn code(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = end_of_text(&chars, at);
        if end == at {
            out.push(chars[at]);
            at += 1;
        } else {
            let blank = |c: &char| if *c == '\n' { '\n' } else { ' ' };
            out.extend(chars[at..end].iter().map(blank));
            at = end;
        }
    }
    out
}

/// Where the comment, string or character ends that begins at `at`; `at` itself if none does.
fn end_of_text(chars: &[char], at: usize) -> usize {
    let next = |n: usize| chars.get(at + n).copied().unwrap_or('\0');
    let after = |from: usize, end: &str| find(chars, from, end).unwrap_or(chars.len());
    let in_word = at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_');
    match chars[at] {
        '/' if next(1) == '/' => after(at, "\n") - 1,
        '/' if next(1) == '*' => after(at + 2, "*/"),
        '"' => end_of_string(chars, at + 1, '"'),
        '\'' if next(1) == '\\' => end_of_string(chars, at + 1, '\''),
        '\'' if next(2) == '\'' => at + 3,
        'r' if (!in_word || chars[at - 1] == 'b') && matches!(next(1), '"' | '#') => {
            let hashes = chars[at + 1..].iter().take_while(|c| **c == '#').count();
            if next(1 + hashes) != '"' {
                return at;
            }
            after(at + 2 + hashes, &format!("\"{}", "#".repeat(hashes)))
        }
        _ => at,
    }
}

/// The place behind the next `end`.
fn find(chars: &[char], from: usize, end: &str) -> Option<usize> {
    let end: Vec<char> = end.chars().collect();
    let place = chars[from..].windows(end.len()).position(|window| window == end)?;
    Some(from + place + end.len())
}

/// The place behind the next `quote` that no backslash stands before.
fn end_of_string(chars: &[char], mut at: usize, quote: char) -> usize {
    while at < chars.len() && chars[at] != quote {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(chars.len())
}

#[test]
fn only_code_is_left() {
    let text = "a('{', \"}\\\"{\", r#\"\"{\"#, b\"{\") // {\n/* {\n */ fn f<'a>()";
    let code = code(text);
    assert_eq!(code.lines().count(), 3);
    assert!(!code.contains(['{', '}', '"']), "{code}");
    assert!(code.ends_with("fn f<'a>()"), "{code}");
}
