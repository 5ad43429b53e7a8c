//! A request as supabase-js makes it, understood: the texts in it are parsed, and each condition,
//! order and limit is put where it belongs.

mod filter;
mod lexer;
mod select;
#[cfg(test)]
mod tests;

use serde_json::value::RawValue;
use tasker_core::Json;
use tasker_tables::{
    Action, Condition, Conflict, Fields, Format, Insert, Item, Query, QueryError, Read, allow,
    allow_function,
};

use crate::{
    chain::{Accept, ChainError, Kind, Param, RestCall, Verb},
    fault::Fault,
    settings::Settings,
};
use lexer::Wrong;

impl From<Wrong> for Fault {
    fn from(wrong: Wrong) -> Self {
        let Wrong { what, text, column, details } = wrong;
        let message = format!("\"failed to parse {what} ({text})\" (line 1, column {column})");
        Self::from(QueryError::new("PGRST100", message).details(details))
    }
}

/// What a request asks of a database that is spoken to directly.
pub fn plan(call: &RestCall, settings: &Settings) -> Result<Query, Fault> {
    refuse(call)?;
    settings.allow(call.schema.as_deref())?;
    let mut read = Read::default();
    if call.returning {
        read.items = select::items(selected(call))?;
        if read.items.is_empty() {
            read.items.push(Item::All);
        }
    }
    for param in &call.params {
        place(&mut read, param)?;
    }
    let reads = matches!(call.verb, Verb::Select | Verb::Rpc { .. });
    bound(&mut read, settings.max_rows, reads);
    Ok(Query {
        schema: call.schema.clone(),
        target: call.target.clone(),
        action: action(call)?,
        read,
        answers: call.returning,
        count: call.count,
        single: matches!(call.accept, Accept::Object),
        max_affected: call.max_affected,
        rollback: call.rollback,
        strip_nulls: call.strip_nulls,
        format: format(call, settings)?,
    })
}

/// Refuses what nobody may reach, of a request that another server answers.
pub fn guard(call: &RestCall) -> Result<(), Fault> {
    let schema = call.schema.as_deref();
    if matches!(call.verb, Verb::Rpc { .. }) {
        allow_function(schema, &call.target)?;
    } else {
        allow(schema, &call.target, call.verb != Verb::Select)?;
    }
    fn related(items: &[Item]) -> Result<(), QueryError> {
        for item in items {
            if let Item::Embed(embed) = item {
                allow(None, &embed.target, false)?;
                related(&embed.read.items)?;
            }
        }
        Ok(())
    }
    Ok(related(&select::items(selected(call))?)?)
}

fn selected(call: &RestCall) -> &str {
    let select = call.params.iter().find(|p| p.kind == Kind::Shape && p.key == "select");
    select.map_or("*", |p| p.value.as_str())
}

/// What has no meaning for a change that answers nothing, and would be ignored elsewhere.
fn refuse(call: &RestCall) -> Result<(), ChainError> {
    let reads = matches!(call.verb, Verb::Select | Verb::Rpc { .. });
    let page = call
        .params
        .iter()
        .find(|p| p.table.is_none() && matches!(p.kind, Kind::Order | Kind::Limit | Kind::Offset));
    match page {
        Some(p) if !reads && !call.returning => Err(ChainError::Format(format!(
            "{} does not limit or order what is written: narrow it with eq and other filters, or \
             add select() to be answered rows",
            p.method
        ))),
        _ => Ok(()),
    }
}

/// Puts a parameter where it belongs.
fn place(read: &mut Read, param: &Param) -> Result<(), Fault> {
    let tables = || match &param.table {
        Some(tables) => tables.split('.').map(str::to_owned).collect(),
        None => Vec::new(),
    };
    match param.kind {
        Kind::Shape | Kind::Argument => {}
        Kind::Filter => {
            let (tables, field) = filter::column(&param.key)?;
            let (negated, test) = filter::test(&param.value, param.exact.as_ref())?;
            let condition = Condition::Test { field, negated, test };
            node(read, &tables)?.conditions.push(condition);
        }
        Kind::Logic => {
            let tree = filter::tree(&param.value)?;
            node(read, &tables())?.conditions.push(tree);
        }
        Kind::Order => node(read, &tables())?.order = select::order(&param.value)?,
        Kind::Limit => node(read, &tables())?.limit = Some(size(&param.value, "Limit")?),
        Kind::Offset => node(read, &tables())?.offset = size(&param.value, "Offset")?,
    }
    Ok(())
}

fn size(text: &str, what: &str) -> Result<u64, QueryError> {
    text.parse().map_err(|_| {
        QueryError::new("PGRST103", "Requested range not satisfiable")
            .details(format!("{what} should be greater than or equal to zero."))
    })
}

/// The level of the answer that embedded tables lead to.
fn node<'a>(read: &'a mut Read, tables: &[String]) -> Result<&'a mut Read, QueryError> {
    let Some((first, rest)) = tables.split_first() else { return Ok(read) };
    let embed = read.items.iter_mut().find_map(|item| match item {
        Item::Embed(e) if e.alias.as_ref() == Some(first) || e.target == *first => Some(e),
        _ => None,
    });
    match embed {
        Some(embed) => node(&mut embed.read, rest),
        None => {
            let short: String = first.chars().take(60).collect();
            let message = format!("'{short}' is not an embedded resource in this request");
            let hint =
                format!("Verify that '{short}' is included in the 'select' query parameter.");
            Err(QueryError::new("PGRST108", message).hint(hint))
        }
    }
}

/// No level answers more rows than the settings allow; a change answers all that it changed.
fn bound(read: &mut Read, most: u64, top: bool) {
    if top {
        read.limit = Some(read.limit.map_or(most, |n| n.min(most)));
    }
    for item in &mut read.items {
        if let Item::Embed(embed) = item {
            bound(&mut embed.read, most, true);
        }
    }
}

fn action(call: &RestCall) -> Result<Action, Fault> {
    let body = call.body.as_deref();
    Ok(match &call.verb {
        Verb::Select => Action::Read,
        Verb::Insert => Action::Insert(rows(call, None)?),
        Verb::Upsert { on_conflict, ignore } => {
            let columns = on_conflict.as_deref().unwrap_or_default().split(',');
            let columns = columns.map(|c| c.trim().trim_matches('"').to_owned());
            let columns = columns.filter(|c| !c.is_empty()).collect();
            Action::Insert(rows(call, Some(Conflict { columns, ignore: *ignore }))?)
        }
        Verb::Update => Action::Update(fields(body)?),
        Verb::Delete => Action::Delete,
        Verb::Rpc { get } => Action::Call { args: fields(body)?, read_only: *get },
    })
}

fn rows(call: &RestCall, conflict: Option<Conflict>) -> Result<Insert, Fault> {
    let body = call.body.as_deref();
    let rows = match body.map(RawValue::get) {
        Some(text) if text.starts_with('[') => {
            let rows: Vec<Json> = serde_json::from_str(text).map_err(unreadable)?;
            rows.iter().map(|row| fields(Some(row))).collect::<Result<_, _>>()?
        }
        _ => vec![fields(body)?],
    };
    Ok(Insert { rows, conflict, missing_default: !call.default_to_null })
}

/// Fields of an object, the values byte for byte.
fn fields(object: Option<&RawValue>) -> Result<Fields, Fault> {
    let Some(object) = object else { return Ok(Fields::new()) };
    tasker_tables::fields_of(object.get()).map_err(unreadable)
}

fn unreadable(error: impl std::fmt::Display) -> Fault {
    ChainError::Format(format!("a row could not be read: {error}")).into()
}

fn format(call: &RestCall, settings: &Settings) -> Result<Format, Fault> {
    let media = match call.accept {
        Accept::Usual | Accept::Object => return Ok(Format::Json),
        Accept::Csv => return Ok(Format::Csv),
        Accept::Plan(explain, _) if settings.explain && call.verb == Verb::Select => {
            return Ok(Format::Explain(explain));
        }
        Accept::Plan(..) => "application/vnd.pgrst.plan",
        Accept::Geo => "application/geo+json",
    };
    let message = format!("None of these media types are available: {media}");
    let error = QueryError::new("PGRST107", message);
    Err(match call.accept {
        Accept::Plan(..) => error.hint(
            "explain() is for select only, and only with PGRST_DB_PLAN_ENABLED=true: plans show how \
             the database is built",
        ),
        _ => error.hint("GeoJSON needs PostGIS and PostgREST: set SUPABASE_URL"),
    }
    .into())
}
