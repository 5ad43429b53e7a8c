//! One live process a slot: a restart frees what its slot holds, so two processes of one name would
//! take each other's work away.
//!
//! A session lock on a connection of its own says who lives. The server lets it go the moment the
//! process is gone, so nothing has to beat and a restart need not wait. The same connection listens
//! for new runs: an idle processor asks nothing, and hears of work that no trigger brought it.

use std::{future::poll_fn, sync::Arc, time::Duration};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio_postgres::AsyncMessage;

use super::{tls::Address, value};
use crate::{Result, SlotGuard, StoreError, dialect::CREATED};

/// First half of the lock's number: "task".
const LOCK: i32 = 0x7461_736b;
/// The server may need a moment to notice that the process before this one is gone.
const PATIENCE: u32 = 30;
const PAUSE: Duration = Duration::from_millis(100);
/// Between two tries to get the lock back after the connection broke.
const RECONNECT: Duration = Duration::from_secs(2);
/// Supabase's pooler in transaction mode: a session lock would be somebody else's.
const POOLER: u16 = 6543;

/// Takes the slot; an error that says what to do if another process has it. A server that is away
/// does not stop the process: the slot is taken once it is back.
pub async fn hold(server: &Address, slot: &str) -> Result<Option<SlotGuard>> {
    if server.config.get_ports().contains(&POOLER) {
        tracing::warn!(
            slot,
            "behind a transaction pooler nobody can tell whether a slot is in use"
        );
        return Ok(None);
    }
    let created = Arc::new(Notify::new());
    for _ in 0..PATIENCE {
        let held = match try_hold(server, slot, &created).await {
            Ok(None) => {
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            Ok(held) => held,
            Err(error) => {
                tracing::warn!(%error, slot, "the slot is not held yet");
                None
            }
        };
        let keeper = tokio::spawn(keep(server.clone(), slot.to_owned(), created.clone(), held));
        return Ok(Some(SlotGuard::new(keeper, created)));
    }
    Err(StoreError::Unavailable(format!(
        "another live process works as '{slot}': give this one a name of its own (--slot, TASKER_SLOT)"
    )))
}

/// The client that holds the lock, and the end of its connection.
type Held = (tokio_postgres::Client, tokio::task::JoinHandle<()>);

async fn try_hold(server: &Address, slot: &str, created: &Arc<Notify>) -> Result<Option<Held>> {
    let (client, connection) =
        server.config.connect(server.tls.clone()).await.map_err(value::unreachable)?;
    let ended = tokio::spawn(hear(connection, created.clone()));
    let lock = "select pg_try_advisory_lock($1, hashtext($2))";
    let row = client.query_one(lock, &[&LOCK, &slot]).await.map_err(value::unreachable)?;
    if !row.get::<_, bool>(0) {
        return Ok(None);
    }
    client.batch_execute(&format!("listen {CREATED}")).await.map_err(value::unreachable)?;
    Ok(Some((client, ended)))
}

/// Drives the connection, and passes on what it hears.
async fn hear<S, T>(mut connection: tokio_postgres::Connection<S, T>, created: Arc<Notify>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        match poll_fn(|cx| connection.poll_message(cx)).await {
            Some(Ok(AsyncMessage::Notification(_))) => created.notify_one(),
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                return tracing::warn!(%error, "the connection that holds the slot broke");
            }
            None => return,
        }
    }
}

/// Gets the lock, and gets it back after a restart of the server.
async fn keep(server: Address, slot: String, created: Arc<Notify>, mut held: Option<Held>) {
    loop {
        if let Some((_client, ended)) = held.take() {
            let _ = ended.await;
        }
        tokio::time::sleep(RECONNECT).await;
        held = match try_hold(&server, &slot, &created).await {
            Ok(None) => {
                tracing::error!(slot, "another process took this slot: stop one of them");
                None
            }
            Ok(held) => {
                // Nobody listened meanwhile.
                created.notify_one();
                held
            }
            Err(error) => {
                tracing::warn!(%error, slot, "the slot is not held");
                None
            }
        };
    }
}
