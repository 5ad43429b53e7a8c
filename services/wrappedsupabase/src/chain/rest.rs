//! The query builder: a chain as the request that supabase-js makes of it.

mod call;
mod filters;
mod operators;

pub use call::{Accept, Exact, Kind, One, Param, RestCall, Verb};

use std::collections::HashSet;

use serde_json::Value;
use tasker_core::json;
use tasker_tables::Count;

use super::{
    Args, ChainError, Link, Options, js,
    names::{Rest, Root},
};

/// Reads a chain that begins with `from`, `schema` or `rpc`.
pub fn build(links: &[Link]) -> Result<RestCall, ChainError> {
    let mut links = links.iter();
    let mut schema = None;
    let mut target = None;
    for link in links.by_ref() {
        match Root::parse(&link.name) {
            Some(Root::Schema) => schema = Some(link.args().text(0, "the schema's name")?),
            Some(Root::From) => {
                target = Some((link.args().text(0, "the table's name")?, None));
                break;
            }
            Some(Root::Rpc) => {
                target = Some((link.args().text(0, "the function's name")?, Some(link)));
                break;
            }
            _ => {
                return Err(link.misplaced("from('<table>') or rpc('<function>') must come before"));
            }
        }
    }
    let (target, rpc) =
        target.ok_or_else(|| ChainError::Format("after schema, from or rpc must come".into()))?;
    let first = if rpc.is_some() { None } else { links.next() };
    let mut call = match (rpc, first) {
        (Some(link), _) => RestCall::rpc(target, link.args())?,
        (None, Some(link)) => RestCall::begun(target, link)?,
        (None, None) => {
            return Err(ChainError::Format(
                "after from, select, insert, upsert, update or delete must say what to do".into(),
            ));
        }
    };
    call.schema = schema;
    for link in links {
        call.add(link)?;
    }
    Ok(call)
}

/// Columns without white space outside of quotes.
fn cleaned(columns: &str) -> String {
    let mut quoted = false;
    let keep = |c: &char| {
        if *c == '"' {
            quoted = !quoted;
        }
        quoted || !c.is_whitespace()
    };
    columns.chars().filter(keep).collect()
}

impl RestCall {
    fn new(target: String, verb: Verb) -> Self {
        Self {
            schema: None,
            target,
            verb,
            head: false,
            params: Vec::new(),
            prefer: Vec::new(),
            body: None,
            count: None,
            default_to_null: true,
            returning: false,
            one: One::Many,
            accept: Accept::Usual,
            strip_nulls: false,
            rollback: false,
            max_affected: None,
            retry: true,
            throw: false,
            headers: Vec::new(),
        }
    }

    /// What follows `from`.
    fn begun(target: String, link: &Link) -> Result<Self, ChainError> {
        let args = link.args();
        match Rest::parse(&link.name) {
            Some(Rest::Select) => {
                let mut call = Self::new(target, Verb::Select);
                let options = args.options(1, &["count", "head"])?;
                call.select(args)?;
                call.head = options.flag("head")?.unwrap_or(false);
                call.counting(&options)?;
                call.returning = true;
                Ok(call)
            }
            Some(Rest::Insert) => Self::insert(target, args),
            Some(Rest::Upsert) => Self::upsert(target, args),
            Some(Rest::Update) => {
                let mut call = Self::new(target, Verb::Update);
                if !args.value(0).is_object() {
                    return Err(args.wrong("args[0] must be an object: the columns to change"));
                }
                call.body = args.raw(0).cloned();
                call.counting(&args.options(1, &["count"])?)?;
                Ok(call)
            }
            Some(Rest::Delete) => {
                let mut call = Self::new(target, Verb::Delete);
                call.counting(&args.options(0, &["count"])?)?;
                Ok(call)
            }
            Some(_) => {
                let why = "select, insert, upsert, update or delete must come before";
                Err(link.misplaced(why))
            }
            None if Root::parse(&link.name).is_some() => {
                Err(link.misplaced("a chain begins with from('<table>'), and only there"))
            }
            None => Err(link.unknown(Rest::NAMES)),
        }
    }

    fn select(&mut self, args: Args<'_>) -> Result<(), ChainError> {
        let columns = match args.value(0) {
            Value::Null => "*".to_owned(),
            Value::String(columns) => cleaned(columns),
            _ => return Err(args.wrong("args[0] must be a string: columns, comma separated")),
        };
        self.set(Kind::Shape, "select", None, "select", columns);
        Ok(())
    }

    fn counting(&mut self, options: &Options<'_>) -> Result<(), ChainError> {
        if let Some(count) = options.word("count", &["exact", "planned", "estimated"])? {
            self.prefer.push(format!("count={count}"));
            self.count = Some(match count {
                "planned" => Count::Planned,
                "estimated" => Count::Estimated,
                _ => Count::Exact,
            });
        }
        Ok(())
    }

    fn insert(target: String, args: Args<'_>) -> Result<Self, ChainError> {
        let mut call = Self::new(target, Verb::Insert);
        let options = args.options(1, &["count", "defaultToNull"])?;
        call.added(args, &options)?;
        Ok(call)
    }

    fn upsert(target: String, args: Args<'_>) -> Result<Self, ChainError> {
        let known = ["onConflict", "ignoreDuplicates", "count", "defaultToNull"];
        let options = args.options(1, &known)?;
        let ignore = options.flag("ignoreDuplicates")?.unwrap_or(false);
        let on_conflict = options.text("onConflict")?.map(str::to_owned);
        let mut call = Self::new(target, Verb::Upsert { on_conflict: on_conflict.clone(), ignore });
        let how = if ignore { "ignore" } else { "merge" };
        call.prefer.push(format!("resolution={how}-duplicates"));
        if let Some(columns) = on_conflict {
            call.set(Kind::Shape, "upsert", None, "on_conflict", columns);
        }
        call.added(args, &options)?;
        Ok(call)
    }

    /// Rows to add.
    fn added(&mut self, args: Args<'_>, options: &Options<'_>) -> Result<(), ChainError> {
        self.counting(options)?;
        if options.flag("defaultToNull")? == Some(false) {
            self.default_to_null = false;
            self.prefer.push("missing=default".into());
        }
        match args.value(0) {
            Value::Object(_) => {}
            Value::Array(rows) => {
                if let Some(i) = rows.iter().position(|r| !r.is_object()) {
                    return Err(args.wrong(&format!("args[0][{i}] must be a row (an object)")));
                }
                let mut seen = HashSet::new();
                let names = rows.iter().filter_map(Value::as_object).flat_map(|r| r.keys());
                let names: Vec<String> =
                    names.filter(|n| seen.insert(*n)).map(|n| format!("\"{n}\"")).collect();
                if !names.is_empty() {
                    self.set(Kind::Shape, "insert", None, "columns", names.join(","));
                }
            }
            _ => return Err(args.wrong("args[0] must be a row (an object) or an array of rows")),
        }
        self.body = args.raw(0).cloned();
        Ok(())
    }

    fn rpc(target: String, args: Args<'_>) -> Result<Self, ChainError> {
        let options = args.options(2, &["head", "get", "count"])?;
        let (head, get) = (options.flag("head")?, options.flag("get")?);
        let (head, get) = (head.unwrap_or(false), get.unwrap_or(false));
        let none = serde_json::Map::new();
        let given = match args.value(1) {
            Value::Null => &none,
            Value::Object(given) => given,
            _ => return Err(args.wrong("args[1] must be an object: the function's arguments")),
        };
        let deep = given.values().any(has_object);
        let by_get = (head || get) && !(head && deep);
        let mut call = Self::new(target, Verb::Rpc { get: by_get });
        call.head = head;
        call.returning = true;
        call.counting(&options)?;
        call.body = Some(args.raw(1).cloned().unwrap_or_else(|| json::of(&serde_json::json!({}))));
        if by_get {
            for (name, value) in given {
                let value = match value {
                    Value::Array(all) => format!("{{{}}}", js::joined(all)),
                    other => js::text(other),
                };
                call.append(Kind::Argument, "rpc", name.clone(), value, None);
            }
        } else if head {
            // Rows are not wanted, but a deep argument does not go into an address.
            let count = call.prefer.pop().map_or(String::new(), |count| format!("{count},"));
            call.prefer.push(format!("{count}return=minimal"));
        }
        Ok(call)
    }

    /// Sets a parameter, in the place of one of that name.
    fn set(&mut self, kind: Kind, method: &str, table: Option<&str>, name: &str, value: String) {
        let key = table.map_or_else(|| name.to_owned(), |table| format!("{table}.{name}"));
        let (method, table) = (method.to_owned(), table.map(str::to_owned));
        match self.params.iter_mut().find(|p| p.key == key && p.kind == kind) {
            Some(known) => known.value = value,
            None => self.params.push(Param { kind, method, table, key, value, exact: None }),
        }
    }

    /// Adds a parameter beside others of that name.
    fn append(
        &mut self,
        kind: Kind,
        method: &str,
        key: String,
        value: String,
        exact: Option<Exact>,
    ) {
        self.params.push(Param { kind, method: method.to_owned(), table: None, key, value, exact });
    }
}

/// Whether an argument does not fit into an address.
fn has_object(value: &Value) -> bool {
    match value {
        Value::Object(_) => true,
        Value::Array(all) => all.iter().any(has_object),
        _ => false,
    }
}
