//! Looks at the leases all the time: a run must never have two.

use std::{
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::task::JoinHandle;
use tokio_postgres::{NoTls, SimpleQueryMessage};

use super::{Verdict, db::Db};

/// 200 times a second.
const EVERY: Duration = Duration::from_millis(5);
/// Runs more than one of whose rows are being worked on. The tasks of these tests make one call
/// after the other, so each run has one row under work, whatever kind it is.
const TWICE: &str = "select parent_task_run_id from stack_runs where status = 'processing' \
    group by parent_task_run_id having count(*) > 1";

/// Samples until it is stopped.
pub struct Sampler {
    stop: Arc<AtomicBool>,
    seen: Arc<Mutex<Seen>>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Seen {
    samples: usize,
    twice: Vec<String>,
}

impl Sampler {
    /// Starts to look.
    pub fn start(db: &Db) -> Self {
        let (stop, seen) = (Arc::new(AtomicBool::new(false)), Arc::<Mutex<Seen>>::default());
        let (halt, book) = (stop.clone(), seen.clone());
        let task = match db.clone() {
            Db::Postgres(url) => tokio::spawn(async move { postgres(&url, &halt, &book).await }),
            Db::Sqlite(path) => tokio::task::spawn_blocking(move || sqlite(&path, &halt, &book)),
        };
        Self { stop, seen, task }
    }

    /// Stops, and says what was seen.
    pub async fn stop(self, since: Instant, verdict: &mut Verdict) {
        self.stop.store(true, Ordering::SeqCst);
        let took = since.elapsed().as_secs_f64();
        let _ = self.task.await;
        let seen = lock(&self.seen);
        verdict.must(seen.samples > 0, || "the leases could not be looked at".into());
        verdict.must(seen.twice.is_empty(), || {
            format!(
                "{} samples saw two leases of one run: {:?}",
                seen.twice.len(),
                seen.twice.first()
            )
        });
        verdict.figure(format!(
            "leases looked at {} times ({:.0} a second): never two of one run",
            seen.samples,
            seen.samples as f64 / took
        ));
    }
}

fn lock(seen: &Mutex<Seen>) -> std::sync::MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn postgres(url: &str, stop: &AtomicBool, book: &Mutex<Seen>) {
    let Ok((client, connection)) = tokio_postgres::connect(url, NoTls).await else { return };
    tokio::spawn(connection);
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while !stop.load(Ordering::SeqCst) {
        tick.tick().await;
        let Ok(rows) = client.simple_query(TWICE).await else { continue };
        let mut seen = lock(book);
        seen.samples += 1;
        seen.twice.extend(rows.into_iter().find_map(|m| match m {
            SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or_default().to_owned()),
            _ => None,
        }));
    }
}

fn sqlite(path: &Path, stop: &AtomicBool, book: &Mutex<Seen>) {
    let Ok(connection) = rusqlite::Connection::open(path) else { return };
    while !stop.load(Ordering::SeqCst) {
        std::thread::sleep(EVERY);
        let found = connection.query_row(TWICE, [], |row| row.get::<_, i64>(0));
        let mut seen = lock(book);
        match found {
            Ok(run) => seen.twice.push(run.to_string()),
            Err(rusqlite::Error::QueryReturnedNoRows) => {}
            Err(_) => continue,
        }
        seen.samples += 1;
    }
}
