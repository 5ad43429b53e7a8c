//! SQLite: one connection on a thread of its own; transactions take turns, first come first served.

mod thread;

use std::{
    fs::{File, OpenOptions},
    io::{Read as _, Write as _},
    path::Path,
    sync::Arc,
};

use tokio::sync::{Mutex, OwnedMutexGuard, oneshot};

use crate::{
    Dialect, Result, StoreError, TextError, Value,
    session::{Backend, Session, Write},
    slot::SlotGuard,
    value::Row,
};
use thread::{Command, Jobs};
pub use thread::{FIRST_SCHEMA, value};

/// Adds functions that statements of a caller need and SQLite lacks.
pub type AddFunctions = fn(&rusqlite::Connection) -> rusqlite::Result<()>;

/// The SQLite backend.
pub struct Sqlite {
    jobs: Jobs,
    turn: Arc<Mutex<()>>,
    /// Held for the process's life: a second process is refused instead of corrupting leases.
    _lock: Option<File>,
}

impl Sqlite {
    /// Opens `path` (`:memory:` for none), and its schema if it is new.
    ///
    /// # Errors
    /// The file is open in another process, was made by a newer tasker, or cannot be opened.
    pub fn open(path: &str, functions: AddFunctions) -> Result<Self> {
        let lock = if path == ":memory:" { None } else { Some(lock(path)?) };
        let jobs = thread::start(path, functions)?;
        Ok(Self { jobs, turn: Arc::default(), _lock: lock })
    }
}

fn lock(path: &str) -> Result<File> {
    if let Some(folder) = Path::new(path).parent().filter(|p| !p.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|e| {
            StoreError::Unavailable(format!("cannot make {}: {e}", folder.display()))
        })?;
    }
    let name = format!("{path}.lock");
    let mut file = OpenOptions::new()
        .create(true)
        .read(true)
        .write(true)
        .truncate(false)
        .open(&name)
        .map_err(|e| StoreError::Unavailable(format!("cannot open {name}: {e}")))?;
    if file.try_lock().is_err() {
        let mut holder = String::new();
        let _ = file.read_to_string(&mut holder);
        return Err(StoreError::Unavailable(format!(
            "{path} is open in another process{}: SQLite is for one process; use Postgres for more",
            holder.trim().parse().map_or_else(|_| String::new(), |id: u32| format!(" ({id})"))
        )));
    }
    // For people, who may want to end it. The lock itself does not depend on it.
    let _ = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
    Ok(file)
}

impl Backend for Sqlite {
    type Session<'a> = SqliteSession;

    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    async fn begin(&self) -> Result<SqliteSession> {
        let turn = self.turn.clone().lock_owned().await;
        Ok(SqliteSession { jobs: self.jobs.clone(), begun: false, _turn: turn })
    }

    async fn migrate(&self) -> Result<()> {
        // The thread brought the schema up to date when it opened the file.
        Ok(())
    }

    async fn scrub(&self) -> Result<()> {
        let turn = self.turn.clone().lock_owned().await;
        let session = SqliteSession { jobs: self.jobs.clone(), begun: false, _turn: turn };
        session.ask(|reply| Command::Scrub { reply }).await
    }

    #[cfg(feature = "conformance")]
    async fn script(&self, sql: &str) -> Result<()> {
        let mut session = self.begin().await?;
        for statement in sql.split(";;") {
            session.query_text(statement.to_owned(), vec![]).await.map_err(|e| {
                StoreError::Invalid { code: "42601".into(), message: e.to_string() }
            })?;
        }
        session.commit(vec![]).await.map(|_| ())
    }

    async fn hold_slot(&self, _: &str) -> Result<Option<SlotGuard>> {
        // The file is this process's alone.
        Ok(None)
    }
}

/// A transaction, begun by its first statement.
pub struct SqliteSession {
    jobs: Jobs,
    begun: bool,
    _turn: OwnedMutexGuard<()>,
}

impl SqliteSession {
    async fn ask<T>(&self, job: impl FnOnce(oneshot::Sender<Result<T>>) -> Command) -> Result<T> {
        let gone = || StoreError::Unavailable("the database thread has stopped".into());
        let (reply, answer) = oneshot::channel();
        self.jobs.send(job(reply)).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

impl Session for SqliteSession {
    async fn query(&mut self, sql: &'static str, params: Vec<Value>) -> Result<Vec<Row>> {
        self.begun = true;
        self.ask(|reply| Command::Query { sql, params, reply }).await
    }

    async fn queries(&mut self, reads: Vec<Write>) -> Result<Vec<Vec<Row>>> {
        let mut all = Vec::with_capacity(reads.len());
        for read in reads {
            all.push(self.query(read.sql, read.params).await?);
        }
        Ok(all)
    }

    async fn query_text(
        &mut self,
        sql: String,
        params: Vec<Value>,
    ) -> std::result::Result<Vec<Row>, TextError> {
        self.begun = true;
        Ok(self.ask(|reply| Command::Text { sql, params, reply }).await?)
    }

    async fn commit(mut self, writes: Vec<Write>) -> Result<Vec<Vec<Row>>> {
        // From here the thread ends the transaction, whatever happens to this future.
        self.begun = false;
        self.ask(|reply| Command::Commit { writes, reply }).await
    }

    async fn rollback(self) {
        // Dropped: the thread rolls back before it takes anybody else's statement.
    }
}

impl Drop for SqliteSession {
    fn drop(&mut self) {
        if self.begun {
            let _ = self.jobs.send(Command::Rollback);
        }
    }
}
