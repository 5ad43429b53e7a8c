//! Changes that a project makes: PostgREST knows no keys, so that a change is under way is noted before
//! it is sent, and what it was answered after. A request that comes again is answered from that;
//! one whose answer never came is not sent a second time: nobody knows what became of it.

use tasker_core::json;
use tasker_store::TableStore;
use tasker_tables::{Known, Once};

use super::{Credentials, Forward, rest::rest};
use crate::{chain::RestCall, fault::Fault, result::Outcome};

/// Sends a request, if it was not sent before.
pub async fn once(
    project: &Forward,
    call: &RestCall,
    credentials: &Credentials,
    store: &dyn TableStore,
    once: Option<&Once>,
) -> Result<Outcome, Fault> {
    let Some(once) = once else { return rest(project, call, credentials).await };
    if let Some(answer) = store.begin_sent(once).await.and_then(Known::answer)? {
        return serde_json::from_str(answer.get())
            .map_err(|e| tasker_tables::QueryError::Corrupt(e.to_string()).into());
    }
    let outcome = rest(project, call, credentials).await;
    let noted = match &outcome {
        Ok(outcome) => store.end_sent(once, Some(&json::of(outcome))).await,
        // It left and may have been done: the note stays.
        Err(fault) if fault.in_doubt() => Ok(()),
        Err(_) => store.end_sent(once, None).await,
    };
    if let Err(error) = noted {
        // Then the next one with this key is told that nobody knows.
        tracing::warn!(%error, "what became of a request could not be noted");
    }
    outcome
}
