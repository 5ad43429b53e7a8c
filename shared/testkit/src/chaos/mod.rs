//! `make chaos`: proves durability on the real processes by breaking them, and proves each proof by
//! leaving out the guard it rests on. What each experiment does stands in `docs/durability.md`.

mod before;
mod call_faults;
mod check;
mod clocks;
mod crash;
mod crash_points;
mod data;
pub(crate) mod db;
mod experiments;
mod fair;
mod fleet;
mod ground;
mod hostile;
mod http;
mod model;
mod once;
mod oracle;
mod overload;
mod payload;
mod person;
mod poison;
mod proxy;
mod release;
mod replicas;
mod report;
mod sampler;
mod settle;
mod silent;
mod steps;
mod stops;
mod storage;
mod tasks;
mod upstream;
mod wakes;
mod world;

use futures::StreamExt as _;
use std::{io::Write as _, path::PathBuf, time::Duration};

use experiments::{EXPERIMENTS, Experiment};
use report::{line, table};

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
    /// Make what U1 starts from, in this folder, by the binaries of an earlier release.
    #[arg(long, hide = true)]
    make_release: Option<PathBuf>,
    /// So many transitions of the state machine, in this process: B7's own use.
    #[arg(long, hide = true)]
    walk: Option<usize>,
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
        world::folder(&self.path())
    }

    /// Where its processes write.
    fn path(&self) -> PathBuf {
        let what = self.fault.unwrap_or("full").replace([':', '.'], "-");
        self.dir.join(format!("{}-{what}", self.id))
    }

    /// How to see the same again.
    fn command(&self) -> String {
        let what = if self.short { "chaos-short" } else { "chaos" };
        format!("make {what} ONLY={} SEED={}", self.id, self.seed)
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

/// Experiments at once in the small form.
const WIDTH: usize = 6;

/// Runs the chosen experiments, each with its controls; prints the table. True if all is as it
/// should be.
pub async fn run(settings: &Settings) -> anyhow::Result<bool> {
    tasker_http::install_crypto();
    anyhow::ensure!(
        tasker_fault::COMPILED_IN,
        "these binaries have no fault hooks: run make build"
    );
    let seed = settings.seed.unwrap_or_else(|| rand::random_range(1..1_000_000));
    if let Some(transitions) = settings.walk {
        let found = model::walk(seed, transitions);
        let (Ok(said) | Err(said)) = &found;
        std::io::stdout().write_all(said.as_bytes())?;
        return Ok(found.is_ok());
    }
    let dir = std::env::temp_dir().join(format!("tasker-chaos-{}", std::process::id()));
    eprintln!("chaos: seed {seed}, logs in {}", dir.display());
    if let Some(to) = &settings.make_release {
        release::make(seed, &dir, to).await?;
        return Ok(true);
    }
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
    let lines = in_order(jobs, width).await;
    let table = table(seed, &lines);
    std::io::stdout().write_all(table.as_bytes())?;
    if let Some(path) = &settings.report {
        std::fs::write(path, &table)?;
    }
    let good = !lines.is_empty() && lines.iter().all(|l| l.good);
    if good {
        let _ = std::fs::remove_dir_all(&dir);
    } else {
        let bad: Vec<&str> = lines.iter().filter(|l| !l.good).map(|l| l.id).collect();
        eprintln!(
            "chaos: FAILED with seed {seed}: {}; logs are kept in {}",
            if bad.is_empty() { "nothing was run".to_owned() } else { bad.join(", ") },
            dir.display()
        );
    }
    Ok(good)
}

/// Runs `width` jobs at a time, the next as soon as any has ended; answers in the jobs' order.
async fn in_order<T>(jobs: Vec<impl Future<Output = T>>, width: usize) -> Vec<T> {
    let jobs = jobs.into_iter().enumerate().map(|(i, job)| async move { (i, job.await) });
    let mut done: Vec<_> =
        futures::stream::iter(jobs).buffer_unordered(width).collect::<Vec<_>>().await;
    done.sort_by_key(|(i, _)| *i);
    done.into_iter().map(|(_, line)| line).collect()
}

impl Settings {
    fn chosen(&self, experiment: &Experiment) -> bool {
        if self.only.is_empty() {
            return experiment.short || !self.short;
        }
        self.only.iter().any(|id| id.eq_ignore_ascii_case(experiment.id))
    }
}
