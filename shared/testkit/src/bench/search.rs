//! The main job at its full size, as `make test-gmail FULL=1` does it.

use anyhow::Context as _;
use tokio::process::Command;

use super::{
    table::{Line, Table},
    world::{Postgres, Store},
};
use crate::process::bin_dir;

/// Calls of the full search.
const CALLS: f64 = 29_503.0;

/// Runs `test-gmail` and reads what it prints.
pub async fn measure(store: Store, table: &mut Table) -> anyhow::Result<()> {
    // It has a cluster of its own; this one says what the machine does in the same minutes.
    let postgres = match store {
        Store::Sqlite => None,
        Store::Postgres => Some(Postgres::start().await?),
    };
    let r = || postgres.as_ref().map(Postgres::r).transpose();
    let before = r()?;
    let done = Command::new(bin_dir()?.join("test-gmail"))
        .args(["--max-results", "300", "--store", &store.to_string()])
        .kill_on_drop(true)
        .output()
        .await
        .context("test-gmail")?;
    let text = String::from_utf8_lossy(&done.stderr);
    if !done.status.success() {
        let last = text.lines().rev().find(|l| l.starts_with("test-gmail")).unwrap_or("no reason");
        return Ok(table.note("the full search failed", last)?);
    }
    let seconds = seconds(&text).with_context(|| format!("no wall time in: {text}"))?;
    let rate = CALLS / seconds;
    table.line(&Line {
        what: "the full search, 29,503 calls of one run",
        value: format!("{seconds:.1} s, {rate:.0} calls/s"),
        rate: Some(rate),
        r: before.zip(r()?),
        how: "the wall time that test-gmail prints: submitted to the checked result, emulator included",
    })?;
    Ok(())
}

fn seconds(text: &str) -> Option<f64> {
    text.lines().find_map(|l| l.strip_prefix("wall time ")?.strip_suffix(" s")?.parse().ok())
}

#[cfg(test)]
mod tests {
    #[test]
    fn reads_what_test_gmail_prints() {
        assert_eq!(super::seconds("ready url=x\nwall time 43.2 s\npeak memory"), Some(43.2));
        assert_eq!(super::seconds("test-gmail failed: x"), None);
    }
}
