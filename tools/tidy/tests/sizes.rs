//! How long files and functions may be.

use crate::{Finding, tree::Source};

const FILE: usize = 300;
const FUNCTION: usize = 60;

/// Files that are too long to be read at once.
pub fn long_files(sources: &[Source]) -> Vec<Finding> {
    let long = |source: &Source| {
        let lines = source.text.lines().count();
        let what = format!("{lines} lines, more than {FILE}");
        (lines > FILE).then(|| Finding { path: source.path.clone(), line: FILE + 1, what })
    };
    sources.iter().filter_map(long).collect()
}

/// Functions that are too long, from `fn` to the closing brace.
pub fn long_functions(sources: &[Source]) -> Vec<Finding> {
    sources.iter().flat_map(long_functions_of).collect()
}

fn long_functions_of(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (place, _) in source.code.match_indices("fn ") {
        let before = source.code[..place].chars().next_back().unwrap_or(' ');
        if before.is_alphanumeric() || before == '_' {
            continue;
        }
        let rest = &source.code[place..];
        let Some(length) = body_end(rest) else { continue };
        let lines = 1 + rest[..length].matches('\n').count();
        if lines > FUNCTION {
            let name = rest[3..].split(['(', '<']).next().unwrap_or_default();
            let what = format!("{name} has {lines} lines, more than {FUNCTION}");
            findings.push(Finding { path: source.path.clone(), line: source.line(place), what });
        }
    }
    findings
}

/// Where the body ends of the function that `code` begins with; `None` if it has none.
fn body_end(code: &str) -> Option<usize> {
    let (mut brackets, mut braces) = (0_i32, 0_i32);
    for (place, c) in code.char_indices() {
        match c {
            '(' | '[' => brackets += 1,
            ')' | ']' => brackets -= 1,
            ';' if brackets == 0 && braces == 0 => return None,
            '{' => braces += 1,
            '}' => {
                braces -= 1;
                if braces <= 0 {
                    return Some(place);
                }
            }
            _ => {}
        }
    }
    None
}

#[test]
fn a_function_ends_with_its_brace() {
    assert_eq!(body_end("fn f(a: [u8; 2]) { { } } fn"), Some(23));
    assert_eq!(body_end("fn f(a: u8); fn g() { }"), None);
}
