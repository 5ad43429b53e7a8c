//! Statements: their text, and the values that are bound.

mod embed;
mod filter;
mod lite;
mod output;
mod read;
mod write;

pub use lite::{Form, quoted};
pub use write::columns_of;

use super::{
    ast::{Field, PathStep},
    catalog::{Catalog, Relation},
    error::QueryError,
};
use tasker_sql::{Dialect, Value};

/// A statement.
#[derive(Clone, Debug)]
pub struct Statement {
    /// Its text.
    pub text: String,
    /// Its parameters.
    pub params: Vec<Value>,
}

/// A statement in the making.
pub struct Sql<'a> {
    /// What the names are.
    pub catalog: &'a Catalog,
    params: Vec<Value>,
    aliases: usize,
}

/// Name of the rows that a write answers.
pub const SOURCE: &str = "\"tasker_source\"";

impl<'a> Sql<'a> {
    /// An empty one.
    pub fn new(catalog: &'a Catalog) -> Self {
        Self { catalog, params: Vec::new(), aliases: 0 }
    }

    /// The statement with this text.
    pub fn done(self, text: String) -> Statement {
        Statement { text, params: self.params }
    }

    fn dialect(&self) -> Dialect {
        self.catalog.dialect
    }

    /// Binds a value; answers its mark.
    pub fn bind(&mut self, value: impl Into<Value>) -> String {
        self.params.push(value.into());
        let mark = if self.dialect() == Dialect::Postgres { '$' } else { '?' };
        format!("{mark}{}", self.params.len())
    }

    /// A name that nothing else in the statement has.
    pub fn alias(&mut self) -> String {
        self.aliases += 1;
        format!("\"r{}\"", self.aliases)
    }

    /// A table or view as `from` takes it.
    pub fn table(&self, relation: &Relation) -> Result<String, QueryError> {
        let name = quote(&relation.name)?;
        Ok(match self.dialect() {
            Dialect::Postgres => format!("{}.{name}", quote(&self.catalog.schema)?),
            Dialect::Sqlite => name,
        })
    }

    /// A column, or a place inside of it. `tested` places are compared.
    fn place(
        &mut self,
        relation: &Relation,
        alias: &str,
        field: &Field,
        tested: bool,
    ) -> Result<String, QueryError> {
        let column = relation.column(&field.column)?;
        let plain = format!("{alias}.{}", quote(&field.column)?);
        if field.path.is_empty() {
            return Ok(plain);
        }
        if self.dialect() == Dialect::Sqlite {
            let path_steps = self.bind(path_steps(&field.path));
            return Ok(format!("tasker_path({plain}, {path_steps}, {})", u8::from(field.text)));
        }
        let is_json = column.kind == "jsonb" || (column.kind == "json" && (!tested || field.text));
        let mut text = if is_json { plain } else { format!("to_jsonb({plain})") };
        for (i, path_step) in field.path.iter().enumerate() {
            let arrow = if field.text && i + 1 == field.path.len() { "->>" } else { "->" };
            let step = match path_step {
                PathStep::Key(key) => format!("{}::text", self.bind(key)),
                PathStep::Index(n) => format!("{}::text::int", self.bind(i64::from(*n))),
            };
            text = format!("{text}{arrow}{step}");
        }
        Ok(format!("({text})"))
    }

    /// A type, in the database's own words.
    fn cast(&self, text: &str, to: &str) -> Result<String, QueryError> {
        if self.dialect() == Dialect::Sqlite {
            return lite::cast(text, to);
        }
        match self.catalog.types.get(to).and_then(Option::as_ref) {
            Some(known) => Ok(format!("cast({text} as {known})")),
            None => {
                let short: String = to.chars().take(60).collect();
                Err(QueryError::new("42704", format!("type \"{short}\" does not exist")))
            }
        }
    }
}

/// A name as an identifier, whatever is in it.
pub fn quote(name: &str) -> Result<String, QueryError> {
    if name.is_empty() || name.len() > 63 || name.contains('\0') {
        let short: String = name.chars().filter(|c| *c != '\0').take(60).collect();
        let message = format!("'{short}' cannot be a name: it takes 1 to 63 bytes without NUL");
        return Err(QueryError::new("42602", message));
    }
    Ok(format!("\"{}\"", name.replace('"', "\"\"")))
}

/// Steps into a document, as SQLite's function takes them.
fn path_steps(path: &[PathStep]) -> String {
    let path_step = |h: &PathStep| match h {
        PathStep::Key(key) => serde_json::Value::from(key.as_str()),
        PathStep::Index(n) => serde_json::Value::from(*n),
    };
    serde_json::Value::Array(path.iter().map(path_step).collect()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_never_carry_sql() {
        assert_eq!(quote("a\"; drop table x --").unwrap(), "\"a\"\"; drop table x --\"");
        for bad in ["", "a\0b", &"x".repeat(64)] {
            assert!(quote(bad).is_err(), "{bad}");
        }
        assert_eq!(quote("task_runs").unwrap(), "\"task_runs\"");
    }
}
