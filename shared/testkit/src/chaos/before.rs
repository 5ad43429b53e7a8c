//! What the release before left when it was killed, packed (`releases/README.md`).

use std::io::Read as _;

use super::db::Db;

const POSTGRES: &[u8] = include_bytes!("../../releases/postgres.sql.gz");
const SQLITE: &[u8] = include_bytes!("../../releases/sqlite.sql.gz");
/// Begins a line with an effect that was done before.
pub const EFFECT: &str = "-- effect ";
/// Begins a line that counts rows in a state.
pub const STATE: &str = "-- state ";

fn dump(db: &Db) -> anyhow::Result<String> {
    let packed = match db {
        Db::Postgres(_) => POSTGRES,
        Db::Sqlite(_) => SQLITE,
    };
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed).read_to_string(&mut text)?;
    Ok(text)
}

/// Fills an empty database with it. Its timers fall due in a few seconds, whenever that is.
pub async fn load(db: &Db) -> anyhow::Result<()> {
    let text = dump(db)?;
    let soon = match db {
        Db::Postgres(_) => {
            db.rows(&text).await?;
            "clock_timestamp() + interval '5 seconds'"
        }
        Db::Sqlite(path) => {
            rusqlite::Connection::open(path)?.execute_batch(&text)?;
            "cast(unixepoch('subsec') * 1000 as integer) + 5000"
        }
    };
    db.rows(&format!("update stack_runs set not_before = {soon} where kind = 'timer'")).await?;
    Ok(())
}

/// What its calls had done, as lines for the oracle.
pub fn effects(db: &Db) -> anyhow::Result<Vec<String>> {
    Ok(dump(db)?.lines().filter_map(|l| l.strip_prefix(EFFECT)).map(str::to_owned).collect())
}

/// How many rows are in which state.
pub fn states(db: &Db) -> anyhow::Result<Vec<String>> {
    Ok(dump(db)?.lines().filter_map(|l| l.strip_prefix(STATE)).map(str::to_owned).collect())
}
