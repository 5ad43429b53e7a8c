//! Functions: which one a call means, and the call itself.

use serde::Deserialize;
use tasker_core::Json;

use super::{
    ast::Fields,
    catalog::{Catalog, Column, Relation},
    error::QueryError,
    render::{Sql, quote},
};

/// A function.
#[derive(Clone, Debug, Deserialize)]
pub struct Function {
    args: Vec<Argument>,
    /// Whether it answers rows, and not one.
    pub set: bool,
    /// Whether it answers nothing.
    pub void: bool,
    /// The table whose rows it answers.
    pub relation: Option<String>,
    /// Columns of what it answers; none for a plain value.
    pub columns: Option<Vec<Column>>,
}

#[derive(Clone, Debug, Deserialize)]
struct Argument {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    optional: bool,
    variadic: bool,
}

impl Function {
    /// The one that takes these arguments.
    pub fn choose(
        all: Vec<Self>,
        schema: &str,
        name: &str,
        args: &Fields,
    ) -> Result<Self, QueryError> {
        let (named, whole): (Vec<_>, Vec<_>) =
            all.into_iter().filter(|f| f.takes(args)).partition(|f| !f.takes_document());
        let mut fit = if named.is_empty() { whole } else { named };
        match fit.len() {
            1 => Ok(fit.swap_remove(0)),
            0 => Err(unknown(schema, name, args)),
            _ => Err(QueryError::new(
                "PGRST203",
                format!("Could not choose the best candidate function between {} named {schema}.{name}", fit.len()),
            )
            .hint("Try renaming the parameters or the function itself in the database so function overloading can be resolved")),
        }
    }

    fn takes(&self, args: &Fields) -> bool {
        let known = |name: &String| self.args.iter().any(|a| a.name == *name);
        let given = |a: &Argument| args.iter().any(|(name, _)| *name == a.name);
        self.takes_document()
            || (args.iter().all(|(name, _)| known(name))
                && self.args.iter().all(|a| a.optional || given(a)))
    }

    /// One unnamed argument that takes the arguments as a document.
    fn takes_document(&self) -> bool {
        matches!(self.args.as_slice(), [only] if only.name.is_empty()
            && ["json", "jsonb"].contains(&only.kind.as_str()))
    }

    /// What it answers, as a table: that of its rows if it has one.
    pub fn relation(&self, catalog: &Catalog, name: &str) -> Option<Relation> {
        let columns = self.columns.clone()?;
        let table = self.relation.as_ref().and_then(|r| catalog.relations.get(r)).cloned();
        let own = |columns| Relation {
            name: name.to_owned(),
            columns,
            key: Vec::new(),
            computed: Vec::new(),
            rowid: false,
        };
        Some(table.unwrap_or_else(|| own(columns)))
    }

    /// The call: what must stand before it in `with`, and the call itself.
    pub fn call(
        &self,
        sql: &mut Sql<'_>,
        name: &str,
        args: &Fields,
    ) -> Result<(Option<String>, String), QueryError> {
        let function = format!("{}.{}", quote(&sql.catalog.schema)?, quote(name)?);
        if self.takes_document() {
            let body = sql.bind(object(args));
            return Ok((None, format!("{function}({body}::text::{})", self.args[0].kind)));
        }
        if args.is_empty() {
            return Ok((None, format!("{function}()")));
        }
        let (mut columns, mut passed) = (Vec::new(), Vec::new());
        for argument in self.args.iter().filter(|a| args.iter().any(|(n, _)| *n == a.name)) {
            let column = quote(&argument.name)?;
            columns.push(format!("{column} {}", argument.kind));
            let variadic = if argument.variadic { "variadic " } else { "" };
            passed.push(format!("{variadic}{column} := (select {column} from \"tasker_args\")"));
        }
        let body = sql.bind(object(args));
        let with = format!(
            "\"tasker_args\" as (select * from json_to_record({body}::text::json) as x ({}))",
            columns.join(", ")
        );
        Ok((Some(with), format!("{function}({})", passed.join(", "))))
    }
}

fn object(args: &Fields) -> String {
    let field = |(name, value): &(String, Json)| {
        format!("{}:{}", serde_json::Value::from(name.as_str()), value.get())
    };
    format!("{{{}}}", args.iter().map(field).collect::<Vec<_>>().join(","))
}

fn unknown(schema: &str, name: &str, args: &Fields) -> QueryError {
    let names: Vec<&str> = args.iter().map(|(n, _)| n.as_str()).collect();
    let (names, with) = match names.len() {
        0 => (" without parameters".to_owned(), "without parameters".to_owned()),
        1 => (format!("({})", names[0]), format!("with parameter {}", names[0])),
        _ => (format!("({})", names.join(", ")), format!("with parameters {}", names.join(", "))),
    };
    let message = format!("Could not find the function {schema}.{name}{names} in the schema cache");
    QueryError::new("PGRST202", message).details(format!(
        "Searched for the function {schema}.{name} {with} or with a single unnamed json/jsonb \
         parameter, but no matches were found in the schema cache."
    ))
}
