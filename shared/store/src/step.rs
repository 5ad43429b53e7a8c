//! Writes steps of warm runs: many at once, each by itself right or without effect.

use tasker_core::{
    Json, Kind, Status,
    call::TIMER,
    json,
    step::{Ask, Made, Outcome, Step},
};

use crate::{
    Dialect, Result, StoreError, Value,
    journal::{Column, seal_for_write},
    session::{Backend, Session, Write},
    sql,
    store::Store,
    value::Row,
};

/// A hundred years: later than that no database can be told.
const FOREVER_MS: i64 = 3_155_760_000_000;

/// Commits a group. If the database refuses it, each step is tried alone: one bad value must not
/// stop the others.
pub async fn commit<B: Backend>(store: &Store<B>, group: &[Step]) -> Vec<Result<bool>> {
    match together(store, group).await {
        Ok(counts) => counts.into_iter().map(Ok).collect(),
        Err(StoreError::Invalid { .. }) if group.len() > 1 && !tasker_fault::on("together") => {
            let mut answers = Vec::with_capacity(group.len());
            for step in group {
                let alone = together(store, std::slice::from_ref(step)).await;
                answers.push(alone.map(|counts| counts == [true]));
            }
            answers
        }
        Err(error) => group.iter().map(|_| Err(error.clone())).collect(),
    }
}

/// Which steps counted.
async fn together<B: Backend>(store: &Store<B>, group: &[Step]) -> Result<Vec<bool>> {
    let writes = match store.dialect() {
        Dialect::Postgres => vec![statement(group)],
        Dialect::Sqlite => group.iter().flat_map(statements).collect(),
    };
    let answers = store.begin_step().await?.commit(writes).await?;
    let mut counted = Vec::new();
    for mut row in answers.into_iter().flatten() {
        counted.push(Row::int(&mut row)?);
    }
    Ok(group.iter().map(|step| counted.contains(&step.root_id.0)).collect())
}

/// One column a value: rows turned into lists.
fn lists<const N: usize>(rows: impl Iterator<Item = [Value; N]>) -> Vec<Value> {
    let mut lists: [Vec<Value>; N] = std::array::from_fn(|_| Vec::new());
    for row in rows {
        for (list, value) in lists.iter_mut().zip(row) {
            list.push(value);
        }
    }
    lists.into_iter().map(Value::List).collect()
}

fn statement(group: &[Step]) -> Write {
    let mut params = lists(group.iter().map(guard));
    params.extend(lists(group.iter().flat_map(|s| made_by(s).map(|(row, _)| row))));
    params.extend(lists(group.iter().flat_map(|step| step.logs.iter().map(|l| line(step, l)))));
    Write::new(sql::STEPS, params)
}

fn statements(step: &Step) -> Vec<Write> {
    let (child, calls) = (Value::from(step.by.id), Value::from(step.calls));
    let mut writes = vec![Write::new(sql::STEP_ENDED, guard(step))];
    let more = |row: &[Value]| [row, &[child.clone(), calls.clone()]].concat();
    writes.extend(made_by(step).map(|(row, _)| Write::new(sql::STEP_MADE, more(&row))));
    writes.extend(step.logs.iter().map(|l| Write::new(sql::STEP_SAID, more(&line(step, l)))));
    let moved: [Value; 6] = [
        step.root_id.into(),
        calls.clone(),
        step.calls_after().into(),
        step.deliveries_after().into(),
        step.waits_for().into(),
        child.clone(),
    ];
    writes.push(Write::new(sql::STEP_MOVED, moved));
    writes
}

/// The call that ended, and what must still be so.
fn guard(step: &Step) -> [Value; 15] {
    let (status, result, error) = outcome(step, step.seq, &step.call, &step.outcome);
    [
        step.root_id.into(),
        step.root_epoch.into(),
        step.calls.into(),
        step.deliveries.into(),
        step.calls_after().into(),
        step.deliveries_after().into(),
        step.waits_for().into(),
        step.by.id.into(),
        step.by.epoch.into(),
        (&step.by.owner).into(),
        status,
        result,
        error,
        step.deliveries.into(),
        step.at_ms.into(),
    ]
}

/// The rows that a step makes, with the number of each.
fn made_by(step: &Step) -> impl Iterator<Item = ([Value; 18], u32)> {
    (step.calls..).zip(&step.made).map(|(seq, made)| (row(step, seq, made), seq))
}

fn row(step: &Step, seq: u32, made: &Made) -> [Value; 18] {
    let (service, method, args, options, idempotent, delay) = asked(step, seq, &made.ask);
    let ended = made.ended.as_ref();
    let (status, result, error) = match (ended, &made.ask) {
        (Some(end), Ask::Call(call)) => outcome(step, seq, call, &end.outcome),
        _ if made.leased => (Status::Processing.into(), Value::Null, Value::Null),
        _ => (Status::Pending.into(), Value::Null, Value::Null),
    };
    let owner = (made.leased && ended.is_none()).then_some(&step.by.owner);
    [
        step.root_id.into(),
        made.id.into(),
        made.ask.kind().as_str().into(),
        seq.into(),
        service.into(),
        method.into(),
        args,
        options,
        idempotent.into(),
        status,
        // The other calls' turns come later.
        (made.leased || made.ask.kind() == Kind::Timer).into(),
        i64::from(made.leased).into(),
        owner.into(),
        delay.into(),
        result,
        error,
        ended.map(|end| end.delivery).into(),
        ended.map(|end| end.at_ms).into(),
    ]
}

/// Service, method, arguments, options, whether it may be repeated, and when it is due.
fn asked<'a>(step: &Step, seq: u32, ask: &'a Ask) -> (&'a str, &'a str, Value, Value, bool, i64) {
    match ask {
        Ask::Call(call) => {
            let options = (!call.options.is_default()).then(|| json::of(&call.options));
            let args = seal_for_write(step.root_id, seq, call, Column::Args);
            (&call.service, &call.method, args, options.into(), call.is_idempotent(), 0)
        }
        Ask::Timer(ms) => {
            let due = i64::try_from(*ms).unwrap_or(FOREVER_MS).min(FOREVER_MS);
            (TIMER, "sleep", json::of(&[ms]).into(), Value::Null, true, due)
        }
    }
}

/// Status, result and error.
fn outcome(
    step: &Step,
    seq: u32,
    call: &tasker_core::HostCall,
    outcome: &Outcome,
) -> (Value, Value, Value) {
    match outcome {
        Ok(result) => {
            let result = seal_for_write(step.root_id, seq, call, Column::Result(result));
            (Status::Completed.into(), result, Value::Null)
        }
        Err(error) => (Status::Failed.into(), Value::Null, Json::into(error.clone())),
    }
}

fn line(step: &Step, line: &tasker_core::LogLine) -> [Value; 4] {
    // Postgres has no NUL in text; a line with one must not stop the run.
    let message = line.message.replace('\0', "\u{fffd}");
    [step.root_id.into(), (&line.level).into(), message.into(), line.at_ms.into()]
}
