//! One experiment run and what is said of it.

use std::time::{Duration, Instant};

use super::{Case, experiments::Experiment};

/// A line of the table.
pub struct Line {
    pub id: &'static str,
    pub what: String,
    pub control: bool,
    /// As it should be: an experiment passed, or a control failed.
    pub good: bool,
    pub text: String,
    pub took: Duration,
}

/// Runs an experiment, or one of its controls.
pub async fn line(experiment: &Experiment, case: Case) -> Line {
    let control = case.fault;
    let began = Instant::now();
    let found = (experiment.run)(case.clone()).await;
    let took = began.elapsed();
    let (good, text) = match (found, control) {
        // A control must fail because a promise was broken, not because the harness stumbled.
        (Err(error), _) => (false, format!("harness: {error:#}")),
        (Ok(v), Some(_)) if v.broken.is_empty() => (false, "passed without its guard".to_owned()),
        (Ok(v), Some(_)) => (true, format!("noticed: {}", v.broken.join("; "))),
        (Ok(v), None) if v.broken.is_empty() => (true, v.figures.join("; ")),
        (Ok(v), None) => (false, format!("{} [{}]", v.broken.join("; "), v.figures.join("; "))),
    };
    let text = if good {
        // What nobody will look for need not stay.
        let _ = std::fs::remove_dir_all(case.path());
        text
    } else {
        format!("{text}; repeat: {}; logs: {}", case.command(), case.path().display())
    };
    let what =
        control.map_or_else(|| experiment.what.to_owned(), |f| format!("without its guard: `{f}`"));
    eprintln!(
        "chaos: {} {what}: {} {text} ({:.1} s)",
        experiment.id,
        if good { "ok" } else { "FAIL" },
        took.as_secs_f64()
    );
    Line { id: experiment.id, what, control: control.is_some(), good, text, took }
}

/// All of it, in Markdown.
pub fn table(seed: u64, lines: &[Line]) -> String {
    let mut text = format!(
        "\nSeed {seed}\n\n| id | experiment | result | seen | s |\n|---|---|---|---|---|\n"
    );
    for line in lines {
        let result = match (line.good, line.control) {
            (true, false) => "pass",
            (true, true) => "fails, as it must",
            (false, _) => "**FAIL**",
        };
        let most = if line.good { 800 } else { 2_000 };
        let seen: String =
            line.text.chars().take(most).collect::<String>().replace(['|', '\n'], " ");
        let took = line.took.as_secs_f64();
        text += &format!("| {} | {} | {result} | {seen} | {took:.0} |\n", line.id, line.what);
    }
    text
}
