//! Making runs: for clients, and for calls that become runs.

use tasker_core::{Json, StackRunId, Status, TaskRunId, json, run::Rejected, wire::LeaseRef};

use crate::{
    Result, StoreError, Value,
    plan::{Loaded, Plan},
    session::{Session, Write},
    shares, sql,
    types::{NewRun, Retry, SubmitOptions, Submitted},
    verbs::{granted, load_run_of, now, one},
};

/// Makes a run and its root row; with a parent, its call waits for the run from now on. A call
/// becomes one run, however often it is asked for.
pub async fn submit<S: Session>(
    mut s: S,
    new: &NewRun,
    options: &SubmitOptions,
) -> Result<Submitted> {
    let made = make(&mut s, new, options).await;
    let (s, (submitted, writes)) = granted(s, made).await?;
    s.commit(writes).await?;
    Ok(submitted)
}

async fn make<S: Session>(
    s: &mut S,
    new: &NewRun,
    options: &SubmitOptions,
) -> Result<(Submitted, Vec<Write>)> {
    let Some(lease) = &new.parent else {
        if let Some(known) = keyed(s, new, options).await? {
            return Ok((known, Vec::new()));
        }
        refuse_overload(s, options).await?;
        // Only here and not with each step: a notification costs a lock on all commits.
        let tell = if options.untold { Vec::new() } else { vec![Write::new(sql::TELL, [])] };
        return Ok((insert(s, new, options, false).await?, tell));
    };
    match below(s, lease).await? {
        Some(known) => again(s, known, lease).await,
        None => first(s, new, options, lease).await,
    }
}

/// The run that a call became.
struct Below {
    submitted: Submitted,
    status: Status,
    result: Option<Json>,
}

/// Looks for the run that a call became, and locks it: whoever ends runs locks from the deepest up.
async fn below<S: Session>(s: &mut S, lease: &LeaseRef) -> Result<Option<Below>> {
    let Some(known) = nested(s, lease).await? else { return Ok(None) };
    s.query(sql::LOCK_RUN, vec![known.submitted.root_id.into()]).await?;
    // As it stands under its lock: a person may have retried it meanwhile.
    nested(s, lease).await
}

async fn nested<S: Session>(s: &mut S, lease: &LeaseRef) -> Result<Option<Below>> {
    let found = s.query(sql::NESTED, vec![lease.id.into()]).await?;
    let Some(mut row) = found.into_iter().next() else { return Ok(None) };
    let submitted =
        Submitted { task_run_id: TaskRunId(row.int()?), root_id: StackRunId(row.int()?) };
    Ok(Some(Below { submitted, status: row.status()?, result: row.maybe_json()? }))
}

/// The call becomes a run.
async fn first<S: Session>(
    s: &mut S,
    new: &NewRun,
    options: &SubmitOptions,
    lease: &LeaseRef,
) -> Result<(Submitted, Vec<Write>)> {
    let above = load_run_of(s, lease.id).await?;
    if !above.holds(lease) {
        // Whoever was at it while this waited for the lock has made it, and handed the call over.
        let made = nested(s, lease).await?.ok_or(StoreError::Rejected(Rejected::Fenced))?;
        return Ok((made.submitted, Vec::new()));
    }
    let made = insert(s, new, options, above.paused()).await?;
    Ok((made, above.delegate(lease)?.writes))
}

/// The call became a run before. Whoever holds the call after a retry hands it over once more.
async fn again<S: Session>(
    s: &mut S,
    known: Below,
    lease: &LeaseRef,
) -> Result<(Submitted, Vec<Write>)> {
    let above = load_run_of(s, lease.id).await?;
    if !above.holds(lease) {
        return Ok((known.submitted, Vec::new()));
    }
    let plan = match known.status {
        Status::Completed => {
            let now = now(s).await?;
            above.record(lease, &Ok(known.result.unwrap_or_else(json::null)), now)?
        }
        Status::Failed | Status::Cancelled => {
            let mut plan = reopen(s, known.submitted.root_id, Retry::default()).await?;
            plan.writes.extend(above.delegate(lease)?.writes);
            plan
        }
        _ => above.delegate(lease)?,
    };
    Ok((known.submitted, plan.writes))
}

/// Plans the retry of an ended run.
pub async fn reopen<S: Session>(s: &mut S, root: StackRunId, how: Retry) -> Result<Plan> {
    let lock = Write::new(sql::LOCK_RUN, [root.into()]);
    let ended = Write::new(sql::LOAD_ENDED, [root.into()]);
    let mut found = s.queries(vec![lock, ended]).await?;
    let loaded = Loaded::read(root, found.pop().unwrap_or_default())?;
    if !loaded.status().is_terminal() {
        return Err(Rejected::NotFailed(loaded.status()).into());
    }
    loaded.retry(how)
}

async fn keyed<S: Session>(
    s: &mut S,
    new: &NewRun,
    options: &SubmitOptions,
) -> Result<Option<Submitted>> {
    let Some(key) = &options.idempotency_key else { return Ok(None) };
    let owner = options.owner.as_ref().map(|owner| owner.id.as_str());
    let found = s.query(sql::KEYED, vec![key.into(), owner.into()]).await?;
    let Some(mut row) = found.into_iter().next() else { return Ok(None) };
    let submitted =
        Submitted { task_run_id: TaskRunId(row.int()?), root_id: StackRunId(row.int()?) };
    let (name, input) = (row.text()?, row.maybe_json()?.unwrap_or_else(json::null));
    let differs = match (name == new.name, input.get() == new.input.get()) {
        (true, true) => return Ok(Some(submitted)),
        (false, _) => "another task",
        (true, false) => "another input",
    };
    let run = submitted.task_run_id;
    Err(StoreError::KeyReused(format!("this idempotency key made run {run} of {differs}")))
}

async fn refuse_overload<S: Session>(s: &mut S, options: &SubmitOptions) -> Result<()> {
    if let (Some(owner), Some(most)) = (&options.owner, options.most_open_of_tenant) {
        let before = most.checked_sub(1).ok_or(StoreError::FullForTenant(most))?;
        let params = vec![before.into(), (&owner.tenant).into()];
        if !s.query(sql::FULL_FOR_TENANT, params).await?.is_empty() {
            return Err(StoreError::FullForTenant(most));
        }
    }
    let Some(most) = options.most_open else { return Ok(()) };
    let Some(before) = most.checked_sub(1) else { return Err(StoreError::Full(most)) };
    let full = s.query(sql::FULL, vec![before.into()]).await?;
    if full.is_empty() { Ok(()) } else { Err(StoreError::Full(most)) }
}

async fn insert<S: Session>(
    s: &mut S,
    new: &NewRun,
    options: &SubmitOptions,
    paused: bool,
) -> Result<Submitted> {
    let (function, version) = match &new.code {
        Some(_) => (Value::Null, Value::Null),
        None => {
            let found = s.query(sql::FIND_FUNCTION, vec![(&new.name).into()]).await?;
            let missing = || StoreError::NotFound(format!("task '{}'", new.name));
            let mut row = found.into_iter().next().ok_or_else(missing)?;
            (row.value()?, row.value()?)
        }
    };
    let parent = new.parent.as_ref().map(|p| p.id);
    let key = options.idempotency_key.clone();
    let owner = options.owner.as_ref().filter(|_| parent.is_none());
    let task: Vec<Value> = vec![
        function,
        version,
        (&new.name).into(),
        (&new.input).into(),
        parent.into(),
        key.into(),
        owner.map(|owner| &owner.id).into(),
        owner.map(|owner| &owner.tenant).into(),
    ];
    let whose = owner.map(|owner| &owner.tenant).filter(|tenant| !tenant.is_empty());
    let task_run_id = TaskRunId(one(s.query(sql::INSERT_TASK, task).await?)?.int()?);
    let args = json::of(&[Some(new.name.as_str())]);
    let code = new.code.as_ref().map(|c| json::of(&serde_json::json!({ "taskCode": c })));
    let root = vec![
        task_run_id.into(),
        parent.into(),
        args.into(),
        code.into(),
        (!paused).into(),
        options.timeout_ms.into(),
        shares::of(whose.unwrap_or(&new.name)).into(),
    ];
    let root_id = StackRunId(one(s.query(sql::INSERT_ROOT, root).await?)?.int()?);
    Ok(Submitted { task_run_id, root_id })
}
