//! `select`: where rows come from, which of them, in what order, how many.
//!
//! Postgres makes its JSON with `row_to_json`; SQLite's is put together from text, so that the
//! documents in it keep their bytes.

use super::{
    super::{
        ast::{Join, Order, OrderBy, Read},
        catalog::{Relation, embeds},
        error::QueryError,
    },
    Sql,
    output::{Output, grouping},
    quote,
};
use tasker_sql::Dialect;

/// Where rows come from, and which of them.
pub struct Source<'a> {
    /// The table.
    pub relation: &'a Relation,
    /// Its name in the statement.
    pub alias: &'a str,
    /// The table as `from` takes it.
    pub from: &'a str,
    /// Conditions beside the caller's own.
    pub also: Vec<String>,
    /// Whether the caller's own conditions apply.
    pub own: bool,
}

impl Sql<'_> {
    /// Rows as one JSON text each, in a column that is called `j`.
    pub fn rows(
        &mut self,
        relation: &Relation,
        from: &str,
        read: &Read,
        own: bool,
        also: Vec<String>,
    ) -> Result<String, QueryError> {
        let (select, tail, _) = self.halves(relation, from, read, own, |_| also)?;
        Ok(format!("{select}{tail}"))
    }

    /// Rows on SQLite: a JSON text each in the column `j`, and the row's number in the column `i`.
    pub fn rows_with_ids(
        &mut self,
        relation: &Relation,
        from: &str,
        read: &Read,
        own: bool,
        also: Vec<String>,
    ) -> Result<String, QueryError> {
        let of =
            |alias: &str| also.iter().map(|condition| format!("{alias}.{condition}")).collect();
        let (select, tail, alias) = self.halves(relation, from, read, own, of)?;
        Ok(format!("{select}, {alias}.rowid as i{tail}"))
    }

    /// `select ...`, what follows it, and the name that the table has in it.
    fn halves(
        &mut self,
        relation: &Relation,
        from: &str,
        read: &Read,
        own: bool,
        also: impl FnOnce(&str) -> Vec<String>,
    ) -> Result<(String, String, String), QueryError> {
        let alias = self.alias();
        let also = also(&alias);
        let source = Source { relation, alias: &alias, from, also, own };
        let (select, tail) = self.select(&source, read)?;
        Ok((select, tail, alias))
    }

    /// One row for each that matches.
    pub fn counted(
        &mut self,
        relation: &Relation,
        from: &str,
        read: &Read,
    ) -> Result<String, QueryError> {
        let alias = self.alias();
        let source = Source { relation, alias: &alias, from, also: Vec::new(), own: true };
        let conditions = self.conditions(&source, read)?;
        Ok(format!("select 1 from {from} as {alias}{conditions}"))
    }

    /// `select ...`, and what follows it.
    pub(super) fn select(
        &mut self,
        source: &Source<'_>,
        read: &Read,
    ) -> Result<(String, String), QueryError> {
        let outputs = self.outputs(source.relation, source.alias, read)?;
        let select = match self.dialect() {
            Dialect::Postgres => {
                let one = |o: &Output| Ok(format!("{} as {}", o.text, quote(&o.name)?));
                let all = outputs.iter().map(one).collect::<Result<Vec<_>, QueryError>>()?;
                format!("select {}", all.join(", "))
            }
            Dialect::Sqlite => {
                let mut pairs = Vec::with_capacity(outputs.len());
                for o in &outputs {
                    let name = self.bind(&o.name);
                    pairs.push(format!("tasker_pair({name}, {}, '{}')", o.text, o.form.word()));
                }
                let inside = if pairs.is_empty() { "''".into() } else { pairs.join("||','||") };
                format!("select '{{'||{inside}||'}}' as j")
            }
        };
        let tail = self.tail(source, read, &outputs)?;
        Ok((select, tail))
    }

    /// `from ... limit ...`.
    pub(super) fn tail(
        &mut self,
        source: &Source<'_>,
        read: &Read,
        outputs: &[Output],
    ) -> Result<String, QueryError> {
        let mut text = format!(" from {} as {}", source.from, source.alias);
        text.push_str(&self.conditions(source, read)?);
        text.push_str(&grouping(outputs));
        let mut keys = Vec::with_capacity(read.order.len());
        for order in &read.order {
            keys.push(self.order(source, read, order)?);
        }
        if !keys.is_empty() {
            text.push_str(&format!(" order by {}", keys.join(", ")));
        }
        let to = if self.dialect() == Dialect::Postgres { "::bigint" } else { "" };
        // SQLite takes an offset only after a limit.
        if read.limit.is_some() || (read.offset > 0 && to.is_empty()) {
            let most = read.limit.and_then(|n| i64::try_from(n).ok()).unwrap_or(i64::MAX);
            text.push_str(&format!(" limit {}{to}", self.bind(most)));
        }
        if read.offset > 0 {
            let skipped = i64::try_from(read.offset).unwrap_or(i64::MAX);
            text.push_str(&format!(" offset {}{to}", self.bind(skipped)));
        }
        Ok(text)
    }

    /// `where ...`.
    pub(super) fn conditions(
        &mut self,
        source: &Source<'_>,
        read: &Read,
    ) -> Result<String, QueryError> {
        let mut all = source.also.clone();
        if source.own {
            for condition in &read.conditions {
                all.push(self.condition(source.relation, source.alias, read, condition)?);
            }
        }
        for embed in embeds(read).filter(|e| e.join == Join::Inner) {
            all.push(self.exists(source.relation, source.alias, embed)?);
        }
        Ok(if all.is_empty() { String::new() } else { format!(" where {}", all.join(" and ")) })
    }

    fn order(
        &mut self,
        source: &Source<'_>,
        read: &Read,
        order: &Order,
    ) -> Result<String, QueryError> {
        let by = match &order.by {
            OrderBy::Field(field) => self.place(source.relation, source.alias, field, true)?,
            OrderBy::Related(name, field) => self.order_related(source, read, name, field)?,
        };
        // Postgres's own default, which SQLite's is not.
        let first = order.nulls_first.unwrap_or(order.descending);
        let direction = if order.descending { "desc" } else { "asc" };
        Ok(format!("{by} {direction} nulls {}", if first { "first" } else { "last" }))
    }
}
