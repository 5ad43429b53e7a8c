//! `make bench`: what tasker costs on this machine. How to read its tables stands in
//! `docs/performance.md`.

mod balancer;
mod claims;
mod cost;
mod counters;
mod cpu;
mod echo;
mod fleet;
mod floor;
mod late;
mod load;
mod rates;
mod search;
mod table;
mod world;

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use table::Table;
use world::Store;

/// What to measure.
#[derive(Debug, clap::Parser)]
#[command(name = "tasker-bench")]
pub struct Settings {
    /// Only these sections.
    #[arg(long, value_delimiter = ',')]
    only: Vec<Section>,
    /// Only this database.
    #[arg(long)]
    store: Option<Store>,
}

/// A table or two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Section {
    /// Cold start, one HTTP request, one commit: what the rest is made of.
    Floor,
    /// Calls and runs a second, one after the other and at once.
    Rates,
    /// Commits, bytes of WAL and CPU of one call.
    Cost,
    /// The full search: 29,503 calls of one run.
    Search,
    /// Calls that come after 90,000 others of their run.
    Late,
    /// Several executors and processors behind HAProxy.
    Fleet,
    /// Claims with 100 and with 100,000 runs waiting.
    Claims,
}

impl Section {
    fn name(self) -> String {
        self.to_possible_value().map(|v| v.get_name().to_owned()).unwrap_or_default()
    }

    /// Which databases it is about, of those that are wanted.
    fn stores(self, wanted: Option<Store>) -> Vec<Store> {
        let all: &[Store] = match self {
            Self::Fleet => &[Store::Postgres],
            _ => &[Store::Sqlite, Store::Postgres],
        };
        all.iter().copied().filter(|store| wanted.is_none_or(|w| w == *store)).collect()
    }

    async fn measure(self, store: Store, dir: &Path, table: &mut Table) -> anyhow::Result<()> {
        match self {
            Self::Floor => floor::measure(store, dir, table).await,
            Self::Rates => rates::measure(store, dir, table).await,
            Self::Cost => cost::measure(store, dir, table).await,
            Self::Search => search::measure(store, table).await,
            Self::Late => late::measure(store, dir, table).await,
            Self::Fleet => fleet::measure(dir, table).await,
            Self::Claims => claims::measure(store, dir, table).await,
        }
    }
}

/// Prints a table for each section and database; false if one could not be measured.
///
/// # Errors
/// Nowhere to print or to keep files.
pub async fn run(settings: &Settings) -> anyhow::Result<bool> {
    tasker_http::install_crypto();
    let chosen = |s: &Section| settings.only.is_empty() || settings.only.contains(s);
    let mut good = true;
    for section in Section::value_variants().iter().filter(|s| chosen(s)) {
        for store in section.stores(settings.store) {
            let dir = folder(&format!("{}-{store}", section.name()));
            let mut table = Table::begin(&format!("{}, {}", section.name(), store.shape()))?;
            match Box::pin(section.measure(store, &dir, &mut table)).await {
                Ok(()) => drop(std::fs::remove_dir_all(&dir)),
                Err(error) => {
                    good = false;
                    let logs = format!("logs, if any, are in {}", dir.display());
                    table.note("could not be measured", &format!("{error:#}; {logs}"))?;
                }
            }
        }
    }
    Ok(good)
}

/// A folder for the files of a section.
fn folder(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("tasker-bench-{}-{name}", std::process::id()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_and_databases_are_chosen_by_name() {
        use clap::Parser as _;
        let args = ["tasker-bench", "--only", "rates,claims", "--store", "sqlite"];
        let settings = Settings::parse_from(args);
        assert_eq!(settings.only, [Section::Rates, Section::Claims]);
        assert_eq!(Section::Rates.stores(settings.store), [Store::Sqlite]);
        assert!(Section::Fleet.stores(settings.store).is_empty(), "SQLite is for one process");
    }
}
