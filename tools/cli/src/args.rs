//! What can be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use secrecy::SecretString;

mod control;
mod flow;
mod gmail;
mod keystore;
mod new;
mod publish;

pub use control::{Prune, Resolve, Retry, Upgrade};
pub use flow::{Flow as FlowArgs, FlowCommand};
pub use gmail::GmailSearch;
pub use keystore::{Keystore, KeystoreCommand, MasterKeys};
pub use new::{New, NewService, NewTask};
pub use publish::Publish;

const EXAMPLES: &str = "\
Examples:
  tasker keystore set GAPI_KEY @service-account.json
  tasker keystore set GAPI_ADMIN_EMAIL admin@example.com
  tasker keystore rotate --new-key
  tasker publish --all
  tasker gmail-search --query 'from:billing has:attachment' --max-results-per-user 50
  tasker submit hello-task --input '{\"name\":\"Ada\"}' --watch
  tasker runs --status failed
  tasker inspect 12
  tasker attention
  tasker resolve 345 --result '{\"id\":\"msg-1\"}'
  tasker retry 12 --newest-code
  tasker upgrade 13
  tasker new task greet-users";

/// The command line of tasker, a durable task runner.
#[derive(Debug, Parser)]
#[command(name = "tasker", version, after_help = EXAMPLES, propagate_version = true)]
pub struct Cli {
    /// Where the services are.
    #[command(flatten)]
    pub connection: Connection,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Where the services are, and the key to show them.
#[derive(Args, Clone, Debug)]
pub struct Connection {
    /// The part before /tasks; else SUPABASE_URL plus /functions/v1, else a local Supabase's.
    #[arg(long, global = true, env = "TASKER_FUNCTIONS_URL", value_name = "URL")]
    pub functions_url: Option<String>,
    /// Key sent with each request; else SUPABASE_SECRET_KEY, SUPABASE_ANON_KEY or
    /// SUPABASE_PUBLISHABLE_KEY.
    #[arg(long, global = true, env = "SUPABASE_SERVICE_ROLE_KEY", hide_env_values = true)]
    pub key: Option<SecretString>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Search the mail of every user of every domain, and show what was found.
    #[command(visible_alias = "gmail")]
    GmailSearch(GmailSearch),
    /// Publish task code: the file's name is the task's name.
    Publish(Publish),
    /// Submit a task.
    Submit(Submit),
    /// Follow a run to its end and print its result.
    Watch {
        /// Number of the run.
        id: i64,
    },
    /// List runs, newest first.
    Runs(Runs),
    /// Show a run: its calls, result and log.
    Inspect(Inspect),
    /// Print what a run logged.
    Logs {
        /// Number of the run.
        id: i64,
        /// Most lines, newest kept.
        #[arg(long, default_value_t = 200)]
        limit: u32,
    },
    /// Print a run's row as JSON.
    Status {
        /// Number of the run.
        id: i64,
    },
    /// List published tasks.
    List,
    /// Print what a published task takes and returns, as JSON Schema.
    Schema {
        /// Name of the task.
        name: String,
    },
    /// Read and write secrets.
    Keystore(Keystore),
    /// Bring a database's schema up to date.
    Migrate(Database),
    /// Write the migrations into a project's supabase/migrations, for the Supabase CLI.
    Migrations {
        /// The folder.
        folder: PathBuf,
    },
    /// Forget all runs of a database; tasks and secrets stay.
    Clear(Clear),
    /// Forget runs that ended long ago.
    Prune(Prune),
    /// End a run, and those its calls became.
    Cancel {
        /// Number of the run.
        id: i64,
    },
    /// Let a run stop at its next quiet point.
    Pause {
        /// Number of the run.
        id: i64,
    },
    /// Let a paused run go on.
    Resume {
        /// Number of the run.
        id: i64,
    },
    /// Let a failed or cancelled run go on from its last failed step.
    Retry(Retry),
    /// Let open runs go on on the newest version of their code, if it makes the same calls.
    Upgrade(Upgrade),
    /// Write the first lines of a task or of a service.
    #[command(subcommand)]
    New(New),
    /// List calls whose outcome is unknown: they wait for a person.
    Attention,
    /// Say what became of such a call.
    Resolve(Resolve),
    /// Flows: check, draw, publish, execute, get, resume, delete.
    Flow(FlowArgs),
}

/// A task and its input.
#[derive(Args, Debug)]
pub struct Submit {
    /// Name of the task.
    pub name: String,
    /// Input: JSON, @FILE, or - for standard input.
    #[arg(long, short, default_value = "{}", value_name = "JSON|@FILE|-")]
    pub input: String,
    /// Follow the run to its end and print its result.
    #[arg(long, short)]
    pub watch: bool,
    /// Submitted again with this key, the same task and input are the same run.
    #[arg(long, value_name = "KEY")]
    pub idempotency_key: Option<String>,
    /// The run fails unless it ends in this time, e.g. 90s, 12h or 3d.
    #[arg(long, value_name = "TIME", value_parser = control::time)]
    pub timeout: Option<i64>,
}

/// Which runs.
#[derive(Args, Debug)]
pub struct Runs {
    /// Only runs in this state, e.g. failed or needs_attention.
    #[arg(long)]
    pub status: Option<String>,
    /// Only runs of this task.
    #[arg(long)]
    pub task: Option<String>,
    /// Most runs.
    #[arg(long, default_value_t = 20)]
    pub limit: u32,
}

/// Which run, and how much of it.
#[derive(Args, Debug)]
pub struct Inspect {
    /// Number of the run.
    pub id: i64,
    /// Most stack runs to show.
    #[arg(long, default_value_t = 50)]
    pub limit: u32,
    /// Show those after this id (of a stack run).
    #[arg(long, default_value_t = 0)]
    pub after: i64,
    /// Print results in full.
    #[arg(long)]
    pub full: bool,
}

/// A database.
#[derive(Args, Debug)]
pub struct Database {
    /// postgres://user:password@host:port/name, or sqlite:PATH.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub database_url: String,
    /// What its secrets are sealed with.
    #[command(flatten)]
    pub keys: MasterKeys,
}

/// A database to forget runs of.
#[derive(Args, Debug)]
pub struct Clear {
    /// Which.
    #[command(flatten)]
    pub database: Database,
    /// Do it: there is no way back.
    #[arg(long)]
    pub yes: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_connection_can_stand_after_the_command() {
        let typed = ["tasker", "runs", "--functions-url", "http://h/f", "--status", "failed"];
        let cli = Cli::try_parse_from(typed).unwrap();
        assert_eq!(cli.connection.functions_url.as_deref(), Some("http://h/f"));
        assert!(
            matches!(cli.command, Command::Runs(Runs { status: Some(s), .. }) if s == "failed")
        );
    }

    #[test]
    fn unknown_options_are_named() {
        let error = Cli::try_parse_from(["tasker", "gmail-search", "--quary", "x"]).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("--quary"), "{error}");
    }
}
