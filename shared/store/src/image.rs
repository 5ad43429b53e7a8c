//! What a cold resume needs: the run's code, input and journal.

use tasker_core::{
    Json, StackRunId, TaskRunId,
    journal::{Asked, Delivery, Journal},
    json,
};

use crate::{
    Result, StoreError, journal::AtRest, session::Session, sql, types::RunImage, value::Row,
};

/// Everything a fresh isolate needs.
pub async fn image<S: Session>(mut s: S, root: StackRunId) -> Result<AtRest<RunImage>> {
    let run = s.query(sql::RUN_IMAGE, vec![root.into()]).await?;
    let mut r = run.into_iter().next().ok_or_else(|| StoreError::missing("stack run", root))?;
    let rows = s.query(sql::JOURNAL, vec![root.into()]).await?;
    s.commit(Vec::new()).await?;
    let (task_run_id, name) = (TaskRunId(r.int()?), r.text()?);
    let (input, started_ms) = (r.maybe_json()?.unwrap_or_else(json::null), r.int()?);
    let (published, own) = (r.maybe_text()?, r.maybe_json()?);
    let ended = r.status()?.is_terminal();
    let code = published.or_else(|| own_code(own?.get()));
    let journal = journal(rows)?;
    let root_id = root;
    let run = RunImage { root_id, task_run_id, name, code, input, started_ms, journal, ended };
    Ok(AtRest::new(run))
}

fn own_code(vm_state: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Own {
        task_code: String,
    }
    serde_json::from_str::<Own>(vm_state).ok().map(|o| o.task_code)
}

fn journal(rows: Vec<Row>) -> Result<Journal> {
    let mut asked = Vec::with_capacity(rows.len());
    let mut delivered: Vec<(u32, Delivery)> = Vec::with_capacity(rows.len());
    for mut r in rows {
        let seq = r.count()?;
        if seq as usize != asked.len() {
            return Err(StoreError::Corrupt(format!("call {} is missing", asked.len())));
        }
        let (service, method) = (r.text()?, r.text()?);
        let args = r.maybe_json()?.unwrap_or_else(json::null);
        asked.push(Asked { service, method, args });
        let status = r.status()?;
        let (result, error): (Option<Json>, Option<Json>) = (r.maybe_json()?, r.maybe_json()?);
        if let Some(order) = r.maybe_int()? {
            let ok = status == tasker_core::Status::Completed;
            let value = if ok { result } else { error }.unwrap_or_else(json::null);
            let at_ms = r.maybe_int()?.unwrap_or_default();
            let order = u32::try_from(order).map_err(|e| StoreError::Corrupt(e.to_string()))?;
            delivered.push((order, Delivery { seq, ok, value, at_ms }));
        }
    }
    delivered.sort_by_key(|(order, _)| *order);
    Ok(Journal { asked, delivered: delivered.into_iter().map(|(_, d)| d).collect() })
}
