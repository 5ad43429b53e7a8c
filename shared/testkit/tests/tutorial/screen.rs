//! Whether a terminal shows what a document says it does.

use std::sync::LazyLock;

use regex::Regex;

/// Stands for anything within a line.
const ANY: char = '…';

static NOISE: LazyLock<[(Regex, &str); 5]> = LazyLock::new(|| {
    let noise = |pattern: &str| Regex::new(pattern).unwrap_or_else(|e| panic!("{pattern}: {e}"));
    [
        // Colours.
        (noise(r"\x1b\[[0-9;]*m"), ""),
        (noise(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "<instant>"),
        (noise(r"(\d+ min )?\d+(\.\d+)? (ms|s)\b"), "<duration>"),
        // The width of a table's columns depends on what is in them.
        (noise(r"[─═]+"), "─"),
        (noise(r"[ \t]+"), " "),
    ]
});

/// The lines of a terminal without what differs from run to run: times, durations, column widths.
pub fn lines(shown: &str) -> Vec<String> {
    shown.lines().map(plain).collect()
}

fn plain(line: &str) -> String {
    let mut line = line.to_owned();
    for (noise, instead) in NOISE.iter() {
        line = noise.replace_all(&line, *instead).into_owned();
    }
    line.trim_end().to_owned()
}

/// Looks for every line of `expected` in `shown`, in this order. Answers how many lines of `shown`
/// that took, or the line that is not there.
pub fn find(expected: &str, shown: &[String]) -> Result<usize, String> {
    let mut at = 0;
    for line in expected.lines().filter(|line| !line.trim().is_empty()) {
        let pattern = pattern(line);
        let found = shown[at..].iter().position(|shown| pattern.is_match(shown));
        at += found.ok_or_else(|| line.to_owned())? + 1;
    }
    Ok(at)
}

fn pattern(line: &str) -> Regex {
    let parts: Vec<String> = plain(line).split(ANY).map(regex::escape).collect();
    let pattern = format!("^{}$", parts.join(".*"));
    Regex::new(&pattern).unwrap_or_else(|e| panic!("{pattern}: {e}"))
}

/// Whether each line counts: with a letter of any one of them changed, `expected` is not found.
pub fn each_line_counts(expected: &str, shown: &[String]) -> bool {
    let lines: Vec<&str> = expected.lines().filter(|line| !line.trim().is_empty()).collect();
    (0..lines.len()).all(|n| {
        let letter = lines[n].find(|c: char| !c.is_whitespace() && c != ANY);
        letter.is_some_and(|at| {
            let (before, after) = lines[n].split_at(at);
            let rest: String = after.chars().skip(1).collect();
            let changed = format!("{before}\u{a4}{rest}");
            let mut all = lines.clone();
            all[n] = &changed;
            find(&all.join("\n"), shown).is_err()
        })
    })
}
