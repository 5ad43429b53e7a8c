//! What task code may not reach: the engine's own tables, and the systems'.
//!
//! The lists are read from the migrations themselves, so that a table that a later one makes is
//! closed before anybody thinks of it.

use std::sync::LazyLock;

use super::error::QueryError;

/// Tables of the engine that task code may read, and nothing else: how its runs are doing.
const READABLE: [&str; 5] =
    ["task_functions", "task_function_versions", "task_runs", "stack_runs", "task_logs"];

/// Schemas that are never reached, whatever the settings list.
const CLOSED: [&str; 12] = [
    "auth",
    "cron",
    "extensions",
    "graphql",
    "information_schema",
    "net",
    "pgmq",
    "pgsodium",
    "realtime",
    "supabase_functions",
    "supabase_migrations",
    "vault",
];

static OWN: LazyLock<Vec<String>> =
    LazyLock::new(|| tasker_sql::schemas().flat_map(made).collect());

/// Names of tables, views and functions that a script makes.
fn made(script: &str) -> Vec<String> {
    let plain = |w: &str| {
        let name = w.split('(').next().unwrap_or_default();
        name.rsplit('.').next().unwrap_or_default().trim_matches('"').to_ascii_lowercase()
    };
    let lines = script.lines().map(|l| l.trim().to_ascii_lowercase());
    let names = lines.filter_map(|line| {
        let mut words = line.split_whitespace();
        (words.next()? == "create").then_some(())?;
        let filler =
            ["or", "replace", "unlogged", "materialized", "if", "not", "exists", "temporary"];
        let mut rest = words.filter(|w| !filler.contains(w));
        ["table", "view", "function"].contains(&rest.next()?).then_some(())?;
        rest.next().map(plain)
    });
    names.filter(|n| !n.is_empty()).collect()
}

/// Tables, views and functions of the engine.
pub fn own() -> impl Iterator<Item = &'static str> {
    OWN.iter().map(String::as_str)
}

/// Whether task code may read one of them.
pub fn readable(name: &str) -> bool {
    READABLE.contains(&name)
}

/// Refuses a schema of the systems'.
pub fn schema(name: &str) -> Result<(), QueryError> {
    let lower = name.to_ascii_lowercase();
    if lower.starts_with("pg_") || CLOSED.contains(&lower.as_str()) {
        return Err(QueryError::new("42501", format!("permission denied for schema {name}")));
    }
    Ok(())
}

/// Refuses a table, view or function that is not the caller's own to read, or to write.
pub fn relation(name: &str, writes: bool) -> Result<(), QueryError> {
    // SQLite does not tell large letters from small ones.
    let lower = name.to_ascii_lowercase();
    let system = ["pg_", "sqlite_", "pragma_"].iter().any(|own| lower.starts_with(own));
    let engines = lower == "keystore" || own().any(|own| own == lower);
    if system || (engines && !readable(&lower)) {
        return Err(QueryError::new("42501", format!("permission denied for table {name}")));
    }
    if engines && writes {
        let message =
            format!("permission denied for table {name}: task code may read it, not change it");
        return Err(QueryError::new("42501", message)
            .hint("Tasks are published and runs are controlled through the tasks service"));
    }
    Ok(())
}

/// Refuses a function of the engine's.
pub fn function(name: &str) -> Result<(), QueryError> {
    if own().any(|own| own == name.to_ascii_lowercase()) {
        return Err(QueryError::new("42501", format!("permission denied for function {name}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_engines_own_tables_are_known_from_the_migrations() {
        for name in READABLE {
            assert!(own().any(|own| own == name), "{name}");
        }
        assert!(own().any(|own| own == "keystore"));
        assert!(own().any(|own| own == "task_function_bump"), "functions too");
        let text = "create table if not exists \"x\" (\n CREATE UNLOGGED TABLE s.y(\ncreate index t on x;\ncreate or replace function f(a int)";
        assert_eq!(made(text), ["x", "y", "f"]);
    }

    #[test]
    fn what_is_closed() {
        for name in ["keystore", "KeyStore", "pg_class", "sqlite_master", "pragma_table_info"] {
            assert!(relation(name, false).is_err(), "{name}");
        }
        assert!(relation("task_runs", false).is_ok() && relation("Task_Runs", true).is_err());
        assert!(relation("orders", true).is_ok());
        assert!(schema("auth").is_err() && schema("pg_catalog").is_err());
        assert!(schema("Vault").is_err() && schema("public").is_ok());
    }
}
