//! Writes steps of warm runs: many at once, each by itself right or without effect.

use tasker_core::{
    Status,
    run::step::{Ask, Made, Step},
};

use super::Store;
use crate::{
    Dialect, Result, StoreError, Value,
    plan::Columns,
    session::{Backend, Session, Write},
    sql,
    value::Row,
    values,
};

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
    params.extend(lists(group.iter().flat_map(made_by)));
    params.extend(lists(
        group.iter().flat_map(|s| s.logs.iter().map(|l| values::line(s.root_id, l))),
    ));
    Write::new(sql::STEPS, params)
}

fn statements(step: &Step) -> Vec<Write> {
    let (child, calls) = (Value::from(step.by.id), Value::from(step.calls));
    let mut writes = vec![Write::new(sql::STEP_ENDED, guard(step))];
    let more = |row: &[Value]| [row, &[child.clone(), calls.clone()]].concat();
    writes.extend(made_by(step).map(|row| Write::new(sql::STEP_MADE, more(&row))));
    let said = step.logs.iter().map(|l| values::line(step.root_id, l));
    writes.extend(said.map(|line| Write::new(sql::STEP_SAID, more(&line))));
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
    let [result, error] = values::settled(step.root_id, step.seq, &step.call, &step.outcome);
    let status = if step.outcome.is_ok() { Status::Completed } else { Status::Failed };
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
        status.into(),
        result,
        error,
        step.deliveries.into(),
        step.at_ms.into(),
    ]
}

/// The rows that a step makes.
fn made_by(step: &Step) -> impl Iterator<Item = [Value; 18]> {
    (step.calls..).zip(&step.made).map(|(seq, made)| row(step, seq, made))
}

fn row(step: &Step, seq: u32, made: &Made) -> [Value; 18] {
    let [kind, service, method, args, options, idempotent, due] =
        values::asked(step.root_id, seq, &made.ask);
    let columns = Columns::of_child(&made.child(&step.by.owner), false);
    let ended = made.ended.as_ref();
    let [result, error] = match (ended, &made.ask) {
        (Some(end), Ask::Call(call)) => values::settled(step.root_id, seq, call, &end.outcome),
        _ => values::ended(None),
    };
    [
        step.root_id.into(),
        made.id.into(),
        kind,
        seq.into(),
        service,
        method,
        args,
        options,
        idempotent,
        columns.status.into(),
        columns.runnable.into(),
        columns.tries.epoch.into(),
        columns.lease_owner.into(),
        due,
        result,
        error,
        columns.delivery.into(),
        ended.map(|end| end.at_ms).into(),
    ]
}
