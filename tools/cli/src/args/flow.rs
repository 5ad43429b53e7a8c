//! What can be typed after `tasker flow`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Flows: states and transitions as JSON.
#[derive(Args, Debug)]
pub struct Flow {
    /// What to do with it.
    #[command(subcommand)]
    pub command: FlowCommand,
}

/// What to do with a flow.
#[derive(Debug, Subcommand)]
pub enum FlowCommand {
    /// Say what is wrong with a flow, if anything is.
    Check {
        /// The flow's JSON.
        file: PathBuf,
    },
    /// Draw a flow.
    Draw {
        /// The flow's JSON.
        file: PathBuf,
        /// Where the picture goes: .svg, or .mmd for Mermaid. Without it an SVG is printed.
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Publish flows: each becomes a task of its id's name.
    Publish {
        /// Their JSON.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Run a flow: a published one by its name, or a file.
    Execute {
        /// Name of a published flow, or a .json file.
        flow: String,
        /// Input: JSON, @FILE, or - for standard input.
        #[arg(long, short, default_value = "{}", value_name = "JSON|@FILE|-")]
        input: String,
        /// Follow the run to its end and print its result.
        #[arg(long, short)]
        watch: bool,
    },
    /// Show which states a run is in, and those it was in.
    Get {
        /// Number of the run.
        id: i64,
    },
    /// Let a paused or failed run go on.
    Resume {
        /// Number of the run.
        id: i64,
    },
    /// End a run if it goes on, and forget it.
    Delete {
        /// Number of the run.
        id: i64,
    },
}
