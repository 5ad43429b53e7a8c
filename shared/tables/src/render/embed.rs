//! Related rows, as correlated subqueries: each answers one JSON value.

use super::{
    super::{
        ast::{Embed, Field, Read},
        catalog::{Relation, embeds},
        error::QueryError,
        relate::{Link, On, relate},
    },
    Sql, lite,
    output::Output,
    quote,
    read::Source,
};
use tasker_sql::Dialect;

impl<'a> Sql<'a> {
    /// Whether there are related rows.
    pub(super) fn exists(
        &mut self,
        parent: &Relation,
        above: &str,
        embed: &Embed,
    ) -> Result<String, QueryError> {
        let (relation, link) = self.related(parent, embed)?;
        let alias = self.alias();
        let (from, also) = self.joined(relation, above, &alias, &link)?;
        let source = Source { relation, alias: &alias, from: &from, also, own: true };
        let conditions = self.conditions(&source, &embed.read)?;
        Ok(format!("exists (select 1 from {from} as {alias}{conditions})"))
    }

    fn related(
        &self,
        parent: &Relation,
        embed: &Embed,
    ) -> Result<(&'a Relation, Link), QueryError> {
        let catalog = self.catalog;
        let link = relate(&catalog.keys, &catalog.schema, &parent.name, embed)?;
        if let Some(junction) = link.junction() {
            catalog.relation(&junction, false)?;
        }
        Ok((catalog.relation(&link.target, false)?, link))
    }

    /// The related table, and how its rows find the row above.
    fn joined(
        &mut self,
        relation: &Relation,
        above: &str,
        alias: &str,
        link: &Link,
    ) -> Result<(String, Vec<String>), QueryError> {
        let from = self.table(relation)?;
        let equal = |left: &str, right: &str, pairs: &[(String, String)]| {
            let one = |(l, r): &(String, String)| {
                Ok(format!("{left}.{} = {right}.{}", quote(l)?, quote(r)?))
            };
            let all = pairs.iter().map(one).collect::<Result<Vec<_>, QueryError>>()?;
            Ok::<_, QueryError>(all.join(" and "))
        };
        let condition = match &link.on {
            On::Columns(pairs) => equal(above, alias, pairs)?,
            On::Junction(table, first, second) => {
                let between = self.alias();
                let table = self.table(self.catalog.relation(table, false)?)?;
                let (first, second) =
                    (equal(above, &between, first)?, equal(&between, alias, second)?);
                format!("exists (select 1 from {table} as {between} where {first} and {second})")
            }
        };
        Ok((from, vec![condition]))
    }

    /// Related rows as one field, or spread over fields of the row above.
    pub(super) fn embed(
        &mut self,
        parent: &Relation,
        above: &str,
        embed: &Embed,
    ) -> Result<Vec<Output>, QueryError> {
        if embed.read.items.is_empty() {
            return Ok(Vec::new());
        }
        let (relation, link) = self.related(parent, embed)?;
        let columns = link.above().map(|c| Ok(format!("{above}.{}", quote(c)?)));
        let columns = columns.collect::<Result<Vec<_>, QueryError>>()?;
        let alias = self.alias();
        let (from, also) = self.joined(relation, above, &alias, &link)?;
        let source = Source { relation, alias: &alias, from: &from, also, own: true };
        if embed.spread {
            return self.spread(&source, &link, &embed.read, columns);
        }
        let (select, tail) = self.select(&source, &embed.read)?;
        let inside = format!("{select}{tail}");
        let text = match (self.dialect(), link.to_one) {
            (Dialect::Postgres, true) => {
                format!("(select row_to_json(\"e\".*) from ({inside}) \"e\")")
            }
            (Dialect::Postgres, false) => format!(
                "(select coalesce(json_agg(row_to_json(\"e\".*)), '[]'::json) from ({inside}) \"e\")"
            ),
            (Dialect::Sqlite, true) => format!("(select \"e\".j from ({inside}) \"e\")"),
            (Dialect::Sqlite, false) => format!(
                "(select '['||coalesce(group_concat(\"e\".j, ','), '')||']' from ({inside}) \"e\")"
            ),
        };
        let name = embed.name().to_owned();
        Ok(vec![Output { above: columns, ..Output::plain(name, text, lite::Form::Json) }])
    }

    fn spread(
        &mut self,
        source: &Source<'_>,
        link: &Link,
        read: &Read,
        columns: Vec<String>,
    ) -> Result<Vec<Output>, QueryError> {
        let outputs = self.outputs(source.relation, source.alias, read)?;
        if outputs.iter().any(|o| o.aggregate) {
            let message = "Aggregates inside of a spread relationship are not supported";
            return Err(QueryError::new("PGRST127", message)
                .hint("Embed the relationship without '...', or aggregate in a view"));
        }
        let tail = self.tail(source, read, &outputs)?;
        let each = |o: Output| {
            let inside = format!("select {} as v{tail}", o.text);
            let (text, form) = match (self.dialect(), link.to_one) {
                (_, true) => (format!("({inside})"), o.form),
                (Dialect::Postgres, false) => {
                    let all = "coalesce(json_agg(\"e\".v), '[]'::json)";
                    (format!("(select {all} from ({inside}) \"e\")"), o.form)
                }
                (Dialect::Sqlite, false) => {
                    let one = format!("tasker_json(\"e\".v, '{}')", o.form.word());
                    let all = format!("'['||coalesce(group_concat({one}, ','), '')||']'");
                    (format!("(select {all} from ({inside}) \"e\")"), lite::Form::Json)
                }
            };
            Output { above: columns.clone(), ..Output::plain(o.name, text, form) }
        };
        Ok(outputs.into_iter().map(each).collect())
    }

    pub(super) fn order_related(
        &mut self,
        source: &Source<'_>,
        read: &Read,
        name: &str,
        field: &Field,
    ) -> Result<String, QueryError> {
        let Some(embed) = embeds(read).find(|e| e.name() == name) else {
            let message = format!("'{name}' is not an embedded resource in this request");
            return Err(QueryError::new("PGRST108", message).hint(format!(
                "Verify that '{name}' is included in the 'select' query parameter."
            )));
        };
        let (relation, link) = self.related(source.relation, embed)?;
        if !link.to_one {
            let message = format!("A related order on '{name}' is not possible");
            return Err(QueryError::new("PGRST118", message).details(format!(
                "'{}' and '{name}' do not form a many-to-one or one-to-one relationship",
                source.relation.name
            )));
        }
        let alias = self.alias();
        let (from, also) = self.joined(relation, source.alias, &alias, &link)?;
        let place = self.place(relation, &alias, field, true)?;
        Ok(format!("(select {place} from {from} as {alias} where {})", also.join(" and ")))
    }
}
