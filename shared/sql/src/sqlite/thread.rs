//! The thread that owns the connection.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use rusqlite::{Connection, config::DbConfig, functions::FunctionFlags, types::ValueRef};
use tokio::sync::oneshot;

use crate::{
    Dialect, Result, StoreError, Value,
    session::Write,
    value::{Hidden, Row, UNSEALED},
};

/// Where sessions send their statements.
pub type Jobs = mpsc::Sender<Command>;

/// What a session asks of the thread.
pub enum Command {
    /// A statement of ours.
    Query { sql: &'static str, params: Vec<Value>, reply: oneshot::Sender<Result<Vec<Row>>> },
    /// A statement built at run time.
    Text { sql: String, params: Vec<Value>, reply: oneshot::Sender<Result<Vec<Row>>> },
    /// The last statements, and the commit.
    Commit { writes: Vec<Write>, reply: oneshot::Sender<Result<Vec<Vec<Row>>>> },
    /// Nothing but what the tables hold is to be left in the file. Outside of a transaction.
    Scrub { reply: oneshot::Sender<Result<()>> },
    /// The session went away.
    Rollback,
}

/// The first step: every table there is.
pub const FIRST_SCHEMA: &str = include_str!("schema.sql");

/// The schema, step by step: `user_version` says how many were taken.
const SCHEMA: [&str; 7] = [
    FIRST_SCHEMA,
    include_str!("3_fair_claims.sql"),
    include_str!("4_keystore_sealing.sql"),
    include_str!("5_owners.sql"),
    include_str!("6_outcomes.sql"),
    include_str!("7_processor_starts.sql"),
    include_str!("8_step.sql"),
];

/// WAL with synchronous=FULL: what was committed survives a power cut.
const PRAGMAS: &str = "pragma journal_mode = wal; pragma synchronous = full; \
    pragma foreign_keys = on; pragma busy_timeout = 5000; pragma cache_size = -65536;";

/// Longest statement of task code: nobody else writes meanwhile, and no lease is renewed.
const LONGEST: Duration = Duration::from_secs(5);
/// Steps of SQLite's machine between two looks at the clock: about a millisecond.
const STEPS: i32 = 100_000;

/// Opens the file, its schema if it is new, and starts the thread.
pub fn start(path: &str, functions: super::AddFunctions) -> Result<Jobs> {
    let connection = Connection::open(path).map_err(error)?;
    connection.execute_batch(PRAGMAS).map_err(error)?;
    // Without this an unknown column in double quotes would be read as a string.
    for quirk in [DbConfig::SQLITE_DBCONFIG_DQS_DML, DbConfig::SQLITE_DBCONFIG_DQS_DDL] {
        connection.set_db_config(quirk, false).map_err(error)?;
    }
    functions(&connection).map_err(error)?;
    let numbers = number_rows(&connection).map_err(error)?;
    connection.set_prepared_statement_cache_capacity(64);
    let version: i64 =
        connection.query_row("pragma user_version", [], |r| r.get(0)).map_err(error)?;
    upgrade(&connection, version)?;
    let last = "select coalesce(max(id), 0) + 1 from stack_runs";
    let first: i64 = connection.query_row(last, [], |r| r.get(0)).map_err(error)?;
    numbers.store(first, Ordering::Relaxed);
    let (jobs, inbox) = mpsc::channel();
    std::thread::Builder::new()
        .name("sqlite".into())
        .spawn(move || Worker { connection, rendered: HashMap::new() }.run(&inbox))
        .map_err(|e| StoreError::Unavailable(e.to_string()))?;
    Ok(jobs)
}

/// Rows of `stack_runs` are numbered here: some numbers are given out before their rows are there.
fn number_rows(connection: &Connection) -> rusqlite::Result<Arc<AtomicI64>> {
    let next = Arc::new(AtomicI64::new(0));
    let numbers = next.clone();
    connection.create_scalar_function(
        "tasker_new_id",
        0,
        FunctionFlags::SQLITE_UTF8,
        move |_| Ok(numbers.fetch_add(1, Ordering::Relaxed)),
    )?;
    Ok(next)
}

/// Brings the schema up to date, a step a transaction.
fn upgrade(connection: &Connection, version: i64) -> Result<()> {
    let done = usize::try_from(version).unwrap_or(0);
    if done > SCHEMA.len() {
        return Err(StoreError::Unavailable(
            "the file was made by a newer tasker: use that one".into(),
        ));
    }
    // A table that is made anew must not take with it what refers to it.
    connection.execute_batch("pragma foreign_keys = off").map_err(error)?;
    for (step, text) in SCHEMA.iter().enumerate().skip(done) {
        let next = step + 1;
        connection
            .execute_batch(&format!("begin; {text} pragma user_version = {next}; commit;"))
            .map_err(error)?;
    }
    connection.execute_batch("pragma foreign_keys = on").map_err(error)
}

struct Worker {
    connection: Connection,
    rendered: HashMap<&'static str, String>,
}

impl Worker {
    /// Works until the last session and the store are gone.
    fn run(mut self, inbox: &mpsc::Receiver<Command>) {
        while let Ok(command) = inbox.recv() {
            match command {
                Command::Query { sql, params, reply } => {
                    let _ = reply.send(self.query(sql, &params));
                }
                Command::Text { sql, params, reply } => {
                    let _ = reply.send(self.text(&sql, &params));
                }
                Command::Commit { writes, reply } => {
                    let _ = reply.send(self.commit(&writes));
                }
                Command::Scrub { reply } => {
                    let scrub = "vacuum; pragma wal_checkpoint(truncate)";
                    let _ = reply.send(self.connection.execute_batch(scrub).map_err(error));
                }
                Command::Rollback => self.rollback(),
            }
        }
    }

    fn begin(&self) -> Result<()> {
        if self.connection.is_autocommit() {
            self.connection.execute_batch("begin immediate").map_err(error)?;
        }
        Ok(())
    }

    fn rollback(&self) {
        if !self.connection.is_autocommit()
            && let Err(error) = self.connection.execute_batch("rollback")
        {
            tracing::error!(%error, "rollback failed");
        }
    }

    fn query(&mut self, sql: &'static str, params: &[Value]) -> Result<Vec<Row>> {
        self.begin()?;
        let text = self.rendered.entry(sql).or_insert_with(|| Dialect::Sqlite.render(sql));
        let mut statement = self.connection.prepare_cached(text).map_err(error)?;
        rows(&mut statement, params)
    }

    fn text(&self, sql: &str, params: &[Value]) -> Result<Vec<Row>> {
        self.begin()?;
        let mut statement = self.connection.prepare(sql).map_err(error)?;
        let until = Instant::now() + LONGEST;
        let over = move || Instant::now() > until;
        self.connection.progress_handler(STEPS, Some(over)).map_err(error)?;
        let rows = rows(&mut statement, params);
        self.connection.progress_handler(0, None::<fn() -> bool>).map_err(error)?;
        rows
    }

    fn commit(&mut self, writes: &[Write]) -> Result<Vec<Vec<Row>>> {
        let done = (|| {
            let rows: Result<Vec<_>> =
                writes.iter().map(|w| self.query(w.sql, &w.params)).collect();
            let rows = rows?;
            if !self.connection.is_autocommit() && !tasker_fault::on("ackfirst") {
                self.connection.execute_batch("commit").map_err(error)?;
            }
            Ok(rows)
        })();
        if done.is_err() {
            self.rollback();
        }
        done
    }
}

fn rows(statement: &mut rusqlite::Statement<'_>, params: &[Value]) -> Result<Vec<Row>> {
    let columns = statement.column_count();
    let mut rows = statement.query(bound(params).as_slice()).map_err(error)?;
    let mut out = Vec::new();
    while let Some(row) = rows.next().map_err(error)? {
        let values = (0..columns).map(|i| row.get_ref(i).map(value).map_err(error));
        out.push(Row(values.collect::<Result<Vec<_>>>()?.into_iter()));
    }
    Ok(out)
}

fn bound(params: &[Value]) -> Vec<&dyn rusqlite::ToSql> {
    params.iter().map(|p| p as &dyn rusqlite::ToSql).collect()
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        Ok(match self {
            Self::Null => rusqlite::types::Null.into(),
            Self::Int(n) => (*n).into(),
            Self::Real(n) => (*n).into(),
            Self::Bool(b) => (*b).into(),
            Self::Text(s) | Self::Hidden(Hidden(s)) => s.as_str().into(),
            Self::List(_) => {
                let why = "a list is for Postgres";
                return Err(rusqlite::Error::ToSqlConversionFailure(why.into()));
            }
            Self::Secret(..) => {
                return Err(rusqlite::Error::ToSqlConversionFailure(UNSEALED.into()));
            }
        })
    }
}

/// A stored value.
pub fn value(column: ValueRef<'_>) -> Value {
    match column {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(n) => Value::Int(n),
        ValueRef::Real(n) => Value::Real(n),
        ValueRef::Text(t) | ValueRef::Blob(t) => {
            Value::Text(String::from_utf8_lossy(t).into_owned())
        }
    }
}

/// Sorts errors into what callers can do about them, in Postgres's codes.
fn error(e: rusqlite::Error) -> StoreError {
    use rusqlite::ErrorCode::{
        ConstraintViolation, OperationInterrupted, TooBig, TypeMismatch, Unknown,
    };
    let invalid = |code: &str, message: String| StoreError::Invalid { code: code.into(), message };
    match &e {
        rusqlite::Error::SqliteFailure(f, message) => {
            let message = message.clone().unwrap_or_else(|| f.to_string());
            match f.code {
                ConstraintViolation => invalid(constraint(f.extended_code), message),
                TypeMismatch => invalid("22P02", message),
                TooBig => invalid("54000", message),
                OperationInterrupted => invalid(
                    "57014",
                    format!("canceling statement due to statement timeout ({LONGEST:?})"),
                ),
                Unknown => invalid(unknown(&message), message),
                _ => StoreError::Unavailable(message),
            }
        }
        rusqlite::Error::SqlInputError { msg, .. } => invalid(unknown(msg), msg.clone()),
        _ => StoreError::Unavailable(e.to_string()),
    }
}

fn constraint(extended: i32) -> &'static str {
    use rusqlite::ffi;
    match extended {
        ffi::SQLITE_CONSTRAINT_UNIQUE
        | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
        | ffi::SQLITE_CONSTRAINT_ROWID => "23505",
        ffi::SQLITE_CONSTRAINT_NOTNULL => "23502",
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => "23503",
        ffi::SQLITE_CONSTRAINT_CHECK => "23514",
        _ => "23000",
    }
}

/// SQLite tells a wrong statement's fault in words only.
fn unknown(message: &str) -> &'static str {
    if message.starts_with("no such table") {
        "42P01"
    } else if message.starts_with("no such column") || message.contains("has no column named") {
        "42703"
    } else {
        "42601"
    }
}
