//! Settings, under PostgREST's names where it has them.

use clap::{Args, ValueEnum};
use tasker_tables::QueryError;

/// Where requests go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Backend {
    /// To the Supabase project that SUPABASE_URL names, else to the database.
    #[default]
    Auto,
    /// To the database (DATABASE_URL) in any case.
    Direct,
    /// To the Supabase project in any case.
    Forward,
}

/// Settings of wrappedsupabase.
#[derive(Args, Clone, Debug)]
pub struct SupabaseArgs {
    /// Where database calls go: auth.admin and storage always go to SUPABASE_URL.
    #[arg(long, env = "TASKER_SUPABASE_BACKEND", value_enum, default_value_t)]
    pub supabase_backend: Backend,

    /// Schemas that task code may name, the first being the usual one.
    #[arg(long, env = "PGRST_DB_SCHEMAS", value_delimiter = ',', default_value = "public")]
    pub db_schemas: Vec<String>,

    /// Most rows of one answer.
    #[arg(long, env = "PGRST_DB_MAX_ROWS", default_value_t = 1000)]
    pub db_max_rows: u64,

    /// Let task code see plans with explain().
    #[arg(long, env = "PGRST_DB_PLAN_ENABLED")]
    pub db_plan_enabled: bool,
}

/// What the database answers directly.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Schemas that may be named.
    pub schemas: Vec<String>,
    /// Most rows of one answer.
    pub max_rows: u64,
    /// Whether plans are shown.
    pub explain: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { schemas: vec!["public".into()], max_rows: 1000, explain: false }
    }
}

impl From<&SupabaseArgs> for Settings {
    fn from(args: &SupabaseArgs) -> Self {
        let schemas = args.db_schemas.iter().map(|s| s.trim().to_owned()).collect();
        Self { schemas, max_rows: args.db_max_rows, explain: args.db_plan_enabled }
    }
}

impl Settings {
    /// Refuses a schema that is not listed.
    pub fn allow(&self, schema: Option<&str>) -> Result<(), QueryError> {
        match schema {
            Some(name) if !self.schemas.iter().any(|s| s == name) => {
                tasker_tables::allow(Some(name), "", false)?;
                let short: String = name.chars().take(60).collect();
                let hint =
                    format!("Only the following schemas are exposed: {}", self.schemas.join(", "));
                Err(QueryError::new("PGRST106", format!("Invalid schema: {short}")).hint(hint))
            }
            _ => Ok(()),
        }
    }
}
