//! Values to and from Postgres.

use tokio_postgres::types::{Format, FromSql, IsNull, ToSql, Type, private::BytesMut};

use crate::{Result, StoreError, Value, value::Row};

type Anything = Box<dyn std::error::Error + Sync + Send>;

/// Parameters travel as text, so one value fits a column of any type, as a literal would.
impl ToSql for Value {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> std::result::Result<IsNull, Anything> {
        match self {
            Self::Null => return Ok(IsNull::Yes),
            Self::Int(n) => out.extend_from_slice(n.to_string().as_bytes()),
            Self::Real(n) => out.extend_from_slice(n.to_string().as_bytes()),
            Self::Text(s) => out.extend_from_slice(s.as_bytes()),
            Self::Bool(b) => out.extend_from_slice(if *b { b"t" } else { b"f" }),
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

impl<'a> FromSql<'a> for Value {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> std::result::Result<Self, Anything> {
        Ok(match *ty {
            Type::INT8 => Self::Int(i64::from_sql(ty, raw)?),
            Type::INT4 => Self::Int(i32::from_sql(ty, raw)?.into()),
            Type::FLOAT8 => Self::Real(f64::from_sql(ty, raw)?),
            Type::BOOL => Self::Bool(bool::from_sql(ty, raw)?),
            Type::TEXT | Type::VARCHAR | Type::NAME => Self::Text(String::from_sql(ty, raw)?),
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
    match &code[..2] {
        // Data and constraint errors, syntax and unknown names, too large or too deep a value, an
        // error that a trigger raised: the request's fault, and the same when it is repeated.
        "21" | "22" | "23" | "42" | "44" | "54" | "P0" => {
            StoreError::Invalid { code: code.to_owned(), message: db.message().to_owned() }
        }
        _ => StoreError::Unavailable(format!("{} ({code})", db.message())),
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
