//! `tasker publish`.

use std::path::PathBuf;

use clap::Args;

/// Which task files.
#[derive(Args, Debug)]
pub struct Publish {
    /// Files: .js (CommonJS or module), .mjs or .ts.
    #[arg(required_unless_present_any = ["all", "specific", "list"])]
    pub files: Vec<PathBuf>,
    /// Every task file of --dir.
    #[arg(long, conflicts_with_all = ["files", "specific"])]
    pub all: bool,
    /// Tasks of --dir, by name.
    #[arg(long, num_args = 1.., value_name = "NAME", conflicts_with = "files")]
    pub specific: Vec<String>,
    /// Only say what there is in --dir.
    #[arg(long)]
    pub list: bool,
    /// Where --all, --specific and --list look.
    #[arg(long, default_value = "taskcode/endpoints")]
    pub dir: PathBuf,
}
