//! Values to and from Postgres.

use tokio_postgres::types::{Format, FromSql, IsNull, ToSql, Type, private::BytesMut};

use crate::{
    Result, SqlError, StoreError, TextError, Value,
    value::{Hidden, Row, UNSEALED},
};

type Anything = Box<dyn std::error::Error + Sync + Send>;

/// Parameters travel as text, so one value fits a column of any type, as a literal would.
impl ToSql for Value {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> std::result::Result<IsNull, Anything> {
        match self {
            Self::Null => return Ok(IsNull::Yes),
            Self::Int(n) => out.extend_from_slice(n.to_string().as_bytes()),
            Self::Real(n) => out.extend_from_slice(n.to_string().as_bytes()),
            Self::Text(s) | Self::Hidden(Hidden(s)) => out.extend_from_slice(s.as_bytes()),
            Self::Secret(..) => return Err(UNSEALED.into()),
            Self::Bool(b) => out.extend_from_slice(if *b { b"t" } else { b"f" }),
            Self::List(values) => out.extend_from_slice(literal(values)?.as_bytes()),
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    tokio_postgres::types::to_sql_checked!();
}

/// An array as a literal: `{1,NULL,"a \"b\""}`.
fn literal(values: &[Value]) -> std::result::Result<String, Anything> {
    let mut out = String::with_capacity(values.len() * 8);
    for value in values {
        out.push(if out.is_empty() { '{' } else { ',' });
        match value {
            Value::Null => out.push_str("NULL"),
            Value::Int(n) => out.push_str(&n.to_string()),
            Value::Real(n) => out.push_str(&n.to_string()),
            Value::Bool(b) => out.push(if *b { 't' } else { 'f' }),
            Value::Text(text) | Value::Hidden(Hidden(text)) => quote(text, &mut out),
            Value::Secret(..) => return Err(UNSEALED.into()),
            Value::List(_) => return Err("a list holds no lists".into()),
        }
    }
    out.push_str(if out.is_empty() { "{}" } else { "}" });
    Ok(out)
}

fn quote(text: &str, out: &mut String) {
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest.find(['"', '\\']) {
        out.push_str(&rest[..at]);
        out.push('\\');
        out.push_str(&rest[at..=at]);
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
    out.push('"');
}

impl<'a> FromSql<'a> for Value {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> std::result::Result<Self, Anything> {
        Ok(match *ty {
            Type::INT8 => Self::Int(i64::from_sql(ty, raw)?),
            Type::INT4 => Self::Int(i32::from_sql(ty, raw)?.into()),
            Type::FLOAT8 => Self::Real(f64::from_sql(ty, raw)?),
            Type::BOOL => Self::Bool(bool::from_sql(ty, raw)?),
            Type::TEXT | Type::VARCHAR | Type::NAME | Type::JSON => {
                Self::Text(String::from_sql(ty, raw)?)
            }
            _ => return Err(format!("the statement must cast its {ty} column").into()),
        })
    }

    fn from_sql_null(_: &Type) -> std::result::Result<Self, Anything> {
        Ok(Self::Null)
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// A row of ours from a row of Postgres's.
pub fn row(row: tokio_postgres::Row) -> Result<Row> {
    let columns = (0..row.len())
        .map(|i| row.try_get::<_, Value>(i).map_err(|e| StoreError::Corrupt(e.to_string())));
    Ok(Row(columns.collect::<Result<Vec<_>>>()?.into_iter()))
}

/// Sorts errors into what callers can do about them.
pub fn error(e: tokio_postgres::Error) -> StoreError {
    let Some(db) = e.as_db_error() else { return StoreError::Unavailable(reasons(&e)) };
    let code = db.code().code();
    if is_passing(code) {
        return StoreError::Unavailable(format!("{} ({code})", db.message()));
    }
    StoreError::Invalid { code: code.to_owned(), message: db.message().to_owned() }
}

/// What a failed statement of task code is told: all that the server says. A statement that took
/// too long or wrote where nothing may be written is the caller's, not the server's trouble.
pub fn told(e: tokio_postgres::Error) -> TextError {
    let Some(db) = e.as_db_error() else { return StoreError::Unavailable(reasons(&e)).into() };
    let code = db.code().code();
    if is_passing(code) && !["57014", "25006"].contains(&code) {
        return StoreError::Unavailable(format!("{} ({code})", db.message())).into();
    }
    TextError::Sql(Box::new(SqlError {
        code: code.to_owned(),
        message: db.message().to_owned(),
        details: db.detail().map(str::to_owned),
        hint: db.hint().map(str::to_owned),
    }))
}

/// Why a connection could not be opened: whatever the server says, no request is wrong because of
/// it.
pub fn unreachable(e: tokio_postgres::Error) -> StoreError {
    match error(e) {
        StoreError::Invalid { code, message } => {
            StoreError::Unavailable(format!("{message} ({code})"))
        }
        other => other,
    }
}

/// Whether the server, and not the statement, is the reason. Everything else is the same when it
/// is repeated: data, constraints, syntax, a feature that is not there.
fn is_passing(code: &str) -> bool {
    match code.get(..2).unwrap_or_default() {
        // Connection, conflict with others, resources, locks, system, internal.
        "08" | "40" | "53" | "55" | "58" | "XX" => true,
        // Shutdown and restart; a statement that took too long is slow because the server is.
        "57" => code.starts_with("57P") || code == "57014",
        // A standby that was asked to write, a transaction that was ended for idling, a pooler
        // that lost a prepared statement: the connection's fault.
        "25" | "26" => true,
        _ => false,
    }
}

/// The driver says only the outermost part of a story.
fn reasons(e: &dyn std::error::Error) -> String {
    let more = std::iter::successors(e.source(), |e| e.source());
    more.fold(e.to_string(), |all, e| {
        let next = e.to_string();
        if all.ends_with(&next) { all } else { format!("{all}: {next}") }
    })
}

#[cfg(test)]
mod tests {
    use super::{Value, is_passing, literal};

    #[test]
    fn a_list_is_an_array_literal() {
        let text = |t: &str| Value::Text(t.to_owned());
        let all =
            [Value::Null, Value::Int(-1), Value::Bool(true), text(r#"a "b" \ {,}"#), text("")];
        assert_eq!(literal(&all).unwrap(), r#"{NULL,-1,t,"a \"b\" \\ {,}",""}"#);
        assert_eq!(literal(&[]).unwrap(), "{}");
    }

    #[test]
    fn only_the_servers_own_troubles_pass() {
        for code in
            ["08006", "40001", "40P01", "53300", "55P03", "57P01", "57014", "58030", "XX000"]
        {
            assert!(is_passing(code), "{code}");
        }
        for code in
            ["0A000", "22P02", "23505", "28000", "2201X", "39000", "42P01", "57000", "P0001", ""]
        {
            assert!(!is_passing(code), "{code}");
        }
    }
}
