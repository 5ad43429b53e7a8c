//! `tasker new`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// What to begin.
#[derive(Debug, Subcommand)]
pub enum New {
    /// A task: one file, ready to be published.
    Task(NewTask),
    /// A wrapped service: one crate beside the others.
    Service(NewService),
}

/// A task to begin.
#[derive(Args, Debug)]
pub struct NewTask {
    /// Name of the task and of its file.
    pub name: String,
    /// In TypeScript.
    #[arg(long, visible_alias = "ts")]
    pub typescript: bool,
    /// Where.
    #[arg(long, default_value = "taskcode/endpoints")]
    pub dir: PathBuf,
}

/// A service to begin.
#[derive(Args, Debug)]
pub struct NewService {
    /// Its name, as task code will say it; the crate is called wrappedNAME.
    pub name: String,
    /// Where, in a checkout of tasker.
    #[arg(long, default_value = "services")]
    pub dir: PathBuf,
}
