//! `make chaos`: proves durability on the real processes by breaking them, and proves each proof by
//! leaving out the guard it rests on. What each experiment does stands in `docs/durability.md`.

mod call_faults;
mod check;
mod crash;
mod crash_points;
mod data;
mod db;
mod fleet;
mod hostile;
mod http;
mod oracle;
mod proxy;
mod stops;
mod storage;
mod wakes;
mod world;

use futures::StreamExt as _;
use std::{
    future::Future,
    io::Write as _,
    path::PathBuf,
    pin::Pin,
    time::{Duration, Instant},
};

/// What to run.
#[derive(Debug, clap::Parser)]
#[command(name = "tasker-chaos")]
pub struct Settings {
    /// Chooses whom to kill when, and which requests to lose. A run prints its seed.
    #[arg(long)]
    seed: Option<u64>,
    /// Only these experiments, e.g. A1,B3. SQLite's are called I-A1 and so on.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// The small form: fewer runs and faults, some experiments left out.
    #[arg(long)]
    short: bool,
    /// Leave out the negative controls.
    #[arg(long)]
    no_controls: bool,
    /// Also write the table to this file.
    #[arg(long)]
    report: Option<PathBuf>,
}

/// One run of one experiment.
#[derive(Clone, Debug)]
struct Case {
    id: &'static str,
    seed: u64,
    short: bool,
    sqlite: bool,
    /// The guard that is left out.
    fault: Option<&'static str>,
    dir: PathBuf,
}

impl Case {
    /// A size for the small and the full form. Controls are always small: one fault is enough.
    fn size<T>(&self, short: T, full: T) -> T {
        if self.short || self.fault.is_some() { short } else { full }
    }

    fn folder(&self) -> anyhow::Result<PathBuf> {
        let name = format!("{}-{}", self.id, self.fault.unwrap_or("full").replace([':', '.'], "-"));
        world::folder(&self.dir, &name)
    }

    /// How long everything may take to end once the faults are over. A control is known to hang.
    fn patience(&self) -> Duration {
        Duration::from_secs(if self.fault.is_some() { 25 } else { 120 })
    }
}

/// What an experiment found.
#[derive(Default, Debug)]
struct Verdict {
    figures: Vec<String>,
    broken: Vec<String>,
}

impl Verdict {
    fn figure(&mut self, text: String) {
        self.figures.push(text);
    }

    fn must(&mut self, holds: bool, otherwise: impl FnOnce() -> String) {
        if !holds && self.broken.len() < 12 {
            self.broken.push(otherwise());
        }
    }
}

type Found = Pin<Box<dyn Future<Output = anyhow::Result<Verdict>>>>;

/// An experiment and the guards without which it must fail.
struct Experiment {
    id: &'static str,
    what: &'static str,
    run: fn(Case) -> Found,
    controls: &'static [&'static str],
    sqlite: bool,
    /// Part of the small form.
    short: bool,
}

macro_rules! experiment {
    ($id:literal, $what:literal, $run:path, $controls:expr, $sqlite:literal, $short:literal) => {
        Experiment {
            id: $id,
            what: $what,
            run: |case| Box::pin(async move { $run(&case).await }),
            controls: &$controls,
            sqlite: $sqlite,
            short: $short,
        }
    };
}

const EXPERIMENTS: [Experiment; 20] = [
    experiment!("A1", "kill -9 of random services", crash::random_kills, ["nosweep"], false, true),
    experiment!(
        "A2",
        "the process ends itself at named points",
        crash_points::all,
        ["nosweep"],
        false,
        true
    ),
    experiment!(
        "A3",
        "Postgres crashes and stays down",
        storage::postgres_crashes,
        ["nosync"],
        false,
        true
    ),
    experiment!(
        "A4",
        "acknowledged submits, everything killed",
        storage::acknowledged,
        ["nosync"],
        false,
        true
    ),
    experiment!(
        "A5",
        "cold restart with open runs, no client call",
        crash::cold_restart,
        ["nosweep"],
        false,
        false
    ),
    experiment!(
        "A6",
        "a stopped processor wakes late; a long call",
        stops::zombie,
        ["nofence"],
        false,
        true
    ),
    experiment!("A7", "SIGTERM under load", stops::drain, ["nodrain"], false, true),
    experiment!(
        "A8",
        "effect done, no answer",
        call_faults::unknown_outcomes,
        ["resend"],
        false,
        true
    ),
    experiment!(
        "B1",
        "20 % of internal POSTs lost before, 20 % after",
        wakes::lost_posts,
        ["nofallback"],
        false,
        true
    ),
    experiment!("B1b", "every trigger lost", wakes::no_triggers, ["nofallback"], false, true),
    experiment!(
        "B2",
        "triggers x10, reordered; 2 processors",
        wakes::duplicates_two,
        [],
        false,
        true
    ),
    experiment!(
        "B2x8",
        "triggers x10, reordered; 8 processors",
        wakes::duplicates_eight,
        [],
        false,
        false
    ),
    experiment!(
        "B3",
        "resume replayed with stale leases",
        call_faults::stale_resumes,
        ["nofence"],
        false,
        true
    ),
    experiment!("B6", "idle: no query at all", wakes::idle, ["poll"], false, true),
    experiment!(
        "C1",
        "claims with 10,000 pending runs",
        data::deep_queue,
        ["noindex"],
        false,
        false
    ),
    experiment!("C3", "hostile JSON", data::hostile_json, ["jsonb"], false, true),
    experiment!(
        "I-A1",
        "SQLite: kill -9 of the process",
        crash::random_kills,
        ["nosweep"],
        true,
        true
    ),
    experiment!(
        "I-A4",
        "SQLite: acknowledged submits, kill -9",
        storage::acknowledged,
        ["ackfirst"],
        true,
        true
    ),
    experiment!("I-B2", "SQLite: triggers x10, reordered", wakes::duplicates_two, [], true, true),
    experiment!("I-C3", "SQLite: hostile JSON", data::hostile_json, [], true, true),
];

/// Experiments at once in the small form.
const WIDTH: usize = 6;

/// A line of the table.
struct Line {
    id: &'static str,
    what: String,
    control: bool,
    /// As it should be: an experiment passed, or a control failed.
    good: bool,
    text: String,
    took: Duration,
}

/// Runs the chosen experiments, each with its controls; prints the table. True if all is as it
/// should be.
pub async fn run(settings: &Settings) -> anyhow::Result<bool> {
    tasker_http::install_crypto();
    let seed = settings.seed.unwrap_or_else(|| rand::random_range(1..1_000_000));
    let dir = std::env::temp_dir().join(format!("tasker-chaos-{}", std::process::id()));
    eprintln!("chaos: seed {seed}, logs in {}", dir.display());
    let mut jobs = Vec::new();
    for experiment in EXPERIMENTS.iter().filter(|e| settings.chosen(e)) {
        let case = Case {
            id: experiment.id,
            seed,
            short: settings.short,
            sqlite: experiment.sqlite,
            fault: None,
            dir: dir.clone(),
        };
        jobs.push(line(experiment, case.clone()));
        let controls = if settings.no_controls { &[] } else { experiment.controls };
        for fault in controls {
            jobs.push(line(experiment, Case { fault: Some(fault), ..case.clone() }));
        }
    }
    // Most of an experiment is waiting; the small form asserts nothing that a busy machine breaks.
    let width = if settings.short { WIDTH } else { 1 };
    let lines: Vec<Line> = futures::stream::iter(jobs).buffered(width).collect().await;
    let table = table(seed, &lines);
    std::io::stdout().write_all(table.as_bytes())?;
    if let Some(path) = &settings.report {
        std::fs::write(path, &table)?;
    }
    let good = !lines.is_empty() && lines.iter().all(|l| l.good);
    if good {
        let _ = std::fs::remove_dir_all(&dir);
    }
    Ok(good)
}

impl Settings {
    fn chosen(&self, experiment: &Experiment) -> bool {
        if self.only.is_empty() {
            return experiment.short || !self.short;
        }
        self.only.iter().any(|id| id.eq_ignore_ascii_case(experiment.id))
    }
}

async fn line(experiment: &Experiment, case: Case) -> Line {
    let control = case.fault;
    let began = Instant::now();
    let found = (experiment.run)(case).await;
    let took = began.elapsed();
    let (good, text) = match (found, control) {
        // A control must fail because a promise was broken, not because the harness stumbled.
        (Err(error), _) => (false, format!("harness: {error:#}")),
        (Ok(v), Some(_)) if v.broken.is_empty() => (false, "passed without its guard".to_owned()),
        (Ok(v), Some(_)) => (true, format!("noticed: {}", v.broken[0])),
        (Ok(v), None) if v.broken.is_empty() => (true, v.figures.join("; ")),
        (Ok(v), None) => (false, format!("{} [{}]", v.broken.join("; "), v.figures.join("; "))),
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

fn table(seed: u64, lines: &[Line]) -> String {
    let mut text = format!(
        "\nSeed {seed}\n\n| id | experiment | result | seen | s |\n|---|---|---|---|---|\n"
    );
    for line in lines {
        let result = match (line.good, line.control) {
            (true, false) => "pass",
            (true, true) => "fails, as it must",
            (false, _) => "**FAIL**",
        };
        let seen: String =
            line.text.chars().take(400).collect::<String>().replace(['|', '\n'], " ");
        let took = line.took.as_secs_f64();
        text += &format!("| {} | {} | {result} | {seen} | {took:.0} |\n", line.id, line.what);
    }
    text
}
