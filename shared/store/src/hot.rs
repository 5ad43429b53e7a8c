//! Statements that must stay cheap however many rows there are, for a look at Postgres's plans.

use crate::{Dialect, sql};

/// Name and text of each, with values in place of parameters.
pub fn hot() -> Vec<(&'static str, String)> {
    let texts: [(&str, &str, &[&str]); 17] = [
        ("CLAIM_NEXT", sql::CLAIM_NEXT, &["'p'", "'[5,0,63]'"]),
        ("CLAIM_ROW", sql::CLAIM_ROW, &["'p'", "7"]),
        ("LOST_RUNS", sql::LOST_RUNS, &[]),
        ("LOST_ROWS", sql::LOST_ROWS, &["'[7,8]'"]),
        ("OVERDUE", sql::OVERDUE, &[]),
        ("NEXT_DEADLINE", sql::NEXT_DEADLINE, &["'[5,0,63]'"]),
        ("LOAD_RUN", sql::LOAD_RUN, &["7"]),
        ("HANDED_BY", sql::HANDED_BY, &["7", "'p'", "7", "1"]),
        ("LOAD_ENDED", sql::LOAD_ENDED, &["7"]),
        ("TREE", sql::TREE, &["7"]),
        ("NESTED", sql::NESTED, &["7"]),
        ("KEYED", sql::KEYED, &["'k'", "'ada'"]),
        ("FULL", sql::FULL, &["99"]),
        ("FULL_FOR_TENANT", sql::FULL_FOR_TENANT, &["99", "'ada'"]),
        ("RUN", sql::RUN, &["7"]),
        ("ATTENTION", sql::ATTENTION, &["50"]),
        ("PRUNABLE", sql::PRUNABLE, &["-1000", "10"]),
    ];
    texts.into_iter().map(|(name, text, values)| (name, filled(text, values))).collect()
}

fn filled(text: &str, values: &[&str]) -> String {
    let mut out = Dialect::Postgres.render(text);
    for (i, value) in values.iter().enumerate().rev() {
        out = out.replace(&format!("${}", i + 1), value);
    }
    out
}
