//! What the database has: tables with their columns, and how they are related.

use std::collections::HashMap;

use serde::Deserialize;
use tasker_core::json;

use super::{
    ast::{Aggregate, Embed, Item, Query, Read},
    error::QueryError,
    foreign_key::ForeignKey,
    guard, relate, sql,
};
use tasker_sql::{Dialect, Row, Session};

/// What a request needs to know of the database.
pub struct Catalog {
    /// Which database.
    pub dialect: Dialect,
    /// The schema.
    pub schema: String,
    /// Tables and views, by name.
    pub relations: HashMap<String, Relation>,
    /// Foreign keys of the schema, if related rows are asked for.
    pub keys: Vec<ForeignKey>,
    /// Types by the caller's words, in the database's own.
    pub types: HashMap<String, Option<String>>,
}

/// A table or view.
#[derive(Clone, Debug, Deserialize)]
pub struct Relation {
    /// Name.
    pub name: String,
    /// Columns in their order.
    pub columns: Vec<Column>,
    /// Columns of the primary key.
    pub key: Vec<String>,
    /// Functions that read like columns.
    pub computed: Vec<Column>,
    /// Whether its rows have SQLite's row numbers.
    #[serde(deserialize_with = "truthy")]
    pub rowid: bool,
}

/// A column.
#[derive(Clone, Debug, Deserialize)]
pub struct Column {
    /// Name.
    pub name: String,
    /// Type, in the database's words.
    #[serde(rename = "type")]
    pub kind: String,
}

/// SQLite has no booleans in its JSON.
fn truthy<'de, D: serde::Deserializer<'de>>(d: D) -> Result<bool, D::Error> {
    Ok(match serde_json::Value::deserialize(d)? {
        serde_json::Value::Bool(yes) => yes,
        other => other.as_i64().is_some_and(|n| n != 0),
    })
}

impl Relation {
    /// A column, or a function that reads like one.
    pub fn column(&self, name: &str) -> Result<&Column, QueryError> {
        self.find(name).ok_or_else(|| {
            let short: String = name.chars().take(60).collect();
            let message = format!("column {}.{short} does not exist", self.name);
            QueryError::new("42703", message)
        })
    }

    /// The column of this name, or the function that reads like one, if there is one.
    pub fn find(&self, name: &str) -> Option<&Column> {
        self.columns.iter().chain(&self.computed).find(|c| c.name == name)
    }
}

impl Catalog {
    /// A table or view that may be read (or written).
    pub fn relation(&self, name: &str, writes: bool) -> Result<&Relation, QueryError> {
        guard::relation(name, writes)?;
        self.relations.get(name).ok_or_else(|| unknown(name))
    }

    /// Reads what a query needs.
    pub async fn load<S: Session>(
        s: &mut S,
        dialect: Dialect,
        schema: &str,
        query: &Query,
        root: Option<&str>,
    ) -> Result<Self, QueryError> {
        let (schema, none) = (schema.to_owned(), HashMap::new());
        let mut catalog =
            Self { dialect, schema, relations: none, keys: Vec::new(), types: HashMap::new() };
        if has_embeds(&query.read) {
            let (text, params) = match dialect {
                Dialect::Postgres => (sql::FOREIGN_KEYS, vec![(&catalog.schema).into()]),
                Dialect::Sqlite => (sql::SQLITE_FOREIGN_KEYS, vec!["".into()]),
            };
            catalog.keys = documents(s.query(text, params.clone()).await?)?;
            if dialect == Dialect::Postgres {
                catalog.keys.extend(documents(s.query(sql::VIEW_KEYS, params).await?)?);
            }
        }
        let mut names: Vec<String> = root.map(str::to_owned).into_iter().collect();
        if let Some(root) = root {
            catalog.walk(root, &query.read, &mut names)?;
        }
        catalog.load_relations(s, &names).await?;
        let mut types = Vec::new();
        casts(&query.read, &mut types);
        // Postgres reads a name as it reads SQL, comments and all.
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ' ' | '[' | ']');
        types.retain(|t: &String| t.chars().all(plain));
        if dialect == Dialect::Postgres && !types.is_empty() {
            let found = s.query(sql::TYPES, vec![json::of(&types).into()]).await?;
            catalog.types = documents::<(String, Option<String>)>(found)?.into_iter().collect();
        }
        Ok(catalog)
    }

    async fn load_relations<S: Session>(
        &mut self,
        s: &mut S,
        names: &[String],
    ) -> Result<(), QueryError> {
        let text = match self.dialect {
            Dialect::Postgres => sql::RELATIONS,
            Dialect::Sqlite => sql::SQLITE_RELATIONS,
        };
        let params = vec![json::of(names).into(), (&self.schema).into()];
        let found: Vec<Relation> = documents(s.query(text, params).await?)?;
        self.relations = found.into_iter().map(|r| (r.name.clone(), r)).collect();
        Ok(())
    }

    /// Collects the tables of all embeds.
    fn walk(&self, parent: &str, read: &Read, names: &mut Vec<String>) -> Result<(), QueryError> {
        for embed in embeds(read) {
            let link = relate::relate(&self.keys, &self.schema, parent, embed)?;
            names.push(link.target.clone());
            names.extend(link.junction());
            self.walk(&link.target, &embed.read, names)?;
        }
        Ok(())
    }
}

/// The error of a table that is not there.
pub fn unknown(name: &str) -> QueryError {
    let letters = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let plain = !name.is_empty() && name.len() <= 63 && name.chars().all(letters);
    if plain && !name.starts_with(|c: char| c.is_ascii_digit()) {
        return QueryError::new("42P01", format!("relation \"{name}\" does not exist"));
    }
    let short: String = name.chars().take(60).collect();
    QueryError::new("42601", format!("there is no table '{short}', and it is no plain name"))
}

/// Embeds of one level.
pub fn embeds(read: &Read) -> impl Iterator<Item = &Embed> {
    read.items.iter().filter_map(|item| match item {
        Item::Embed(embed) => Some(embed),
        _ => None,
    })
}

fn has_embeds(read: &Read) -> bool {
    embeds(read).next().is_some()
}

/// Types that values are cast to, on all levels.
fn casts(read: &Read, found: &mut Vec<String>) {
    for item in &read.items {
        match item {
            Item::Value(v) => {
                found.extend(v.cast.clone());
                found.extend(v.aggregate.clone().and_then(|(_, cast): (Aggregate, _)| cast));
            }
            Item::Embed(embed) => casts(&embed.read, found),
            Item::All => {}
        }
    }
}

/// Rows of one JSON document each.
pub fn documents<T: serde::de::DeserializeOwned>(rows: Vec<Row>) -> Result<Vec<T>, QueryError> {
    let read = |mut row: Row| {
        let text = row.text()?;
        serde_json::from_str(&text).map_err(|e| QueryError::Corrupt(format!("{e}: {text}")))
    };
    rows.into_iter().map(read).collect()
}
