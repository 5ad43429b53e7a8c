//! `insert`, `update`, `delete`.

use tasker_core::Json;

use super::{
    super::{
        ast::{Conflict, Fields, Read},
        catalog::Relation,
        error::QueryError,
    },
    Sql, lite, quote,
};
use tasker_sql::{Dialect, Value};

impl Sql<'_> {
    /// `insert` of rows, each with a value for each of `names`.
    pub fn insert(
        &mut self,
        relation: &Relation,
        names: &[&str],
        rows: &[Fields],
        conflict: Option<&Conflict>,
    ) -> Result<String, QueryError> {
        let table = self.table(relation)?;
        let list = self.names(relation, names)?.join(", ");
        let insert = if self.dialect() == Dialect::Postgres {
            // Postgres gives each value its column's type.
            let all = self.bind(document(rows));
            format!(
                "insert into {table} ({list}) select {list} \
                 from json_populate_recordset(null::{table}, {all}::text::json)"
            )
        } else {
            let values = rows.iter().map(|row| self.tuple(relation, names, row));
            let values = values.collect::<Result<Vec<_>, _>>()?;
            format!("insert into {table} ({list}) values {}", values.join(", "))
        };
        Ok(format!("{insert}{}", self.conflict(relation, names, conflict)?))
    }

    fn names(&self, relation: &Relation, names: &[&str]) -> Result<Vec<String>, QueryError> {
        names
            .iter()
            .map(|name| {
                if !relation.columns.iter().any(|c| c.name == *name) {
                    relation.column(name)?;
                }
                quote(name)
            })
            .collect()
    }

    fn tuple(
        &mut self,
        relation: &Relation,
        names: &[&str],
        row: &Fields,
    ) -> Result<String, QueryError> {
        let mut marks = Vec::with_capacity(names.len());
        for name in names {
            let value = row.iter().rev().find(|(n, _)| n == name).map(|(_, v)| v);
            marks.push(self.stored(relation, name, value)?);
        }
        Ok(format!("({})", marks.join(", ")))
    }

    /// A value as SQLite stores it.
    fn stored(
        &mut self,
        relation: &Relation,
        name: &str,
        value: Option<&Json>,
    ) -> Result<String, QueryError> {
        let form = lite::Form::of(&relation.column(name)?.kind);
        Ok(self.bind(value.map_or(Value::Null, |v| form.stored(v))))
    }

    fn conflict(
        &self,
        relation: &Relation,
        names: &[&str],
        conflict: Option<&Conflict>,
    ) -> Result<String, QueryError> {
        let Some(conflict) = conflict else { return Ok(String::new()) };
        let keys: Vec<&str> = if conflict.columns.is_empty() {
            relation.key.iter().map(String::as_str).collect()
        } else {
            conflict.columns.iter().map(String::as_str).collect()
        };
        if keys.is_empty() {
            return Ok(String::new());
        }
        let on = self.names(relation, &keys)?.join(", ");
        // SQLite needs a word between a select and `on conflict`; values need none.
        if conflict.ignore {
            return Ok(format!(" on conflict ({on}) do nothing"));
        }
        let set = self.names(relation, names)?;
        let set: Vec<String> = set.into_iter().map(|c| format!("{c} = excluded.{c}")).collect();
        Ok(format!(" on conflict ({on}) do update set {}", set.join(", ")))
    }

    /// `update` of the rows that match, and what it returns.
    pub fn update(
        &mut self,
        relation: &Relation,
        patch: &Fields,
        read: &Read,
    ) -> Result<(String, String), QueryError> {
        let (table, alias) = (self.table(relation)?, self.alias());
        let names = columns_of(std::slice::from_ref(patch));
        let columns = self.names(relation, &names)?;
        let (set, from) = if self.dialect() == Dialect::Postgres {
            let body = self.bind(document(std::slice::from_ref(patch)));
            let set = columns.iter().map(|c| format!("{c} = \"tasker_body\".{c}")).collect();
            let from = format!(
                " from json_populate_recordset(null::{table}, {body}::text::json) \"tasker_body\""
            );
            (set, from)
        } else {
            let mut set = Vec::with_capacity(names.len());
            for (name, column) in names.iter().zip(&columns) {
                let value = patch.iter().rev().find(|(n, _)| n == name).map(|(_, v)| v);
                set.push(format!("{column} = {}", self.stored(relation, name, value)?));
            }
            (set, String::new())
        };
        let set: Vec<String> = set;
        let conditions = self.matching(relation, &alias, read)?;
        let text = format!("update {table} as {alias} set {}{from}{conditions}", set.join(", "));
        Ok((text, format!("{alias}.*")))
    }

    /// `delete` of the rows that match, and what it returns.
    pub fn delete(
        &mut self,
        relation: &Relation,
        read: &Read,
    ) -> Result<(String, String), QueryError> {
        let (table, alias) = (self.table(relation)?, self.alias());
        let conditions = self.matching(relation, &alias, read)?;
        Ok((format!("delete from {table} as {alias}{conditions}"), format!("{alias}.*")))
    }

    /// The caller's own conditions.
    fn matching(
        &mut self,
        relation: &Relation,
        alias: &str,
        read: &Read,
    ) -> Result<String, QueryError> {
        let all = read.conditions.iter().map(|c| self.condition(relation, alias, read, c));
        let all = all.collect::<Result<Vec<_>, _>>()?;
        Ok(if all.is_empty() { String::new() } else { format!(" where {}", all.join(" and ")) })
    }
}

/// Names of all columns that rows mention, in the order they first appear.
pub fn columns_of(rows: &[Fields]) -> Vec<&str> {
    let mut seen = std::collections::HashSet::new();
    let names = rows.iter().flatten().map(|(name, _)| name.as_str());
    names.filter(|name| seen.insert(*name)).collect()
}

/// Rows as a JSON array, their values byte for byte.
fn document(rows: &[Fields]) -> String {
    let field = |(name, value): &(String, Json)| format!("{}:{}", lite::quoted(name), value.get());
    let row = |row: &Fields| format!("{{{}}}", row.iter().map(field).collect::<Vec<_>>().join(","));
    format!("[{}]", rows.iter().map(row).collect::<Vec<_>>().join(","))
}
