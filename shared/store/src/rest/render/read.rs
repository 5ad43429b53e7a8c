//! `select`: columns, related rows, order and limits.
//!
//! Related rows are correlated subqueries on both databases: each answers one JSON value. Postgres
//! makes its JSON with `row_to_json`; SQLite's is put together from text, so that the documents in
//! it keep their bytes.

use super::{
    super::{
        ast::{Aggregate, Embed, Field, Hop, Item, Join, Order, OrderBy, Read, Value},
        catalog::{Relation, embeds},
        error::QueryError,
        relate::{Link, On, relate},
    },
    Sql, lite, quote,
};
use crate::Dialect;

/// One field of the answer.
struct Output {
    name: String,
    text: String,
    /// SQLite: how the value becomes JSON.
    form: lite::Form,
    /// Whether it is computed from many rows.
    aggregate: bool,
    /// Columns of the row that it is computed from, when it is not a column itself.
    above: Vec<String>,
}

/// Where rows come from, and which of them.
struct Source<'a> {
    relation: &'a Relation,
    alias: &'a str,
    from: &'a str,
    /// Conditions beside the caller's own.
    also: Vec<String>,
    /// Whether the caller's own conditions apply.
    own: bool,
}

impl<'a> Sql<'a> {
    /// Rows as one JSON text each, in a column that is called `j`.
    pub fn rows(
        &mut self,
        relation: &Relation,
        from: &str,
        read: &Read,
        own: bool,
        also: Vec<String>,
    ) -> Result<String, QueryError> {
        let alias = self.alias();
        let source = Source { relation, alias: &alias, from, also, own };
        let (select, tail) = self.select(&source, read)?;
        Ok(format!("{select}{tail}"))
    }

    /// The same on SQLite, with the rows' numbers in a column that is called `i`.
    pub fn rows_with_ids(
        &mut self,
        relation: &Relation,
        from: &str,
        read: &Read,
        own: bool,
        also: Vec<String>,
    ) -> Result<String, QueryError> {
        let alias = self.alias();
        let also = also.into_iter().map(|condition| format!("{alias}.{condition}")).collect();
        let source = Source { relation, alias: &alias, from, also, own };
        let (select, tail) = self.select(&source, read)?;
        Ok(format!("{select}, {alias}.rowid as i{tail}"))
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
    fn select(&mut self, source: &Source<'_>, read: &Read) -> Result<(String, String), QueryError> {
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
    fn tail(
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
    fn conditions(&mut self, source: &Source<'_>, read: &Read) -> Result<String, QueryError> {
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

    fn outputs(
        &mut self,
        relation: &Relation,
        alias: &str,
        read: &Read,
    ) -> Result<Vec<Output>, QueryError> {
        let mut all = Vec::new();
        for item in &read.items {
            match item {
                Item::All => {
                    for column in &relation.columns {
                        let text = format!("{alias}.{}", quote(&column.name)?);
                        let form = lite::Form::of(&column.kind);
                        all.push(Output::plain(column.name.clone(), text, form));
                    }
                }
                Item::Value(value) => all.push(self.value(relation, alias, value)?),
                Item::Embed(embed) => all.extend(self.embed(relation, alias, embed)?),
            }
        }
        Ok(all)
    }

    fn value(
        &mut self,
        relation: &Relation,
        alias: &str,
        value: &Value,
    ) -> Result<Output, QueryError> {
        let Some(field) = value.field.as_ref().filter(|f| !is_count(relation, value, f)) else {
            let count = self.cast_if("count(*)".into(), value.aggregate_cast())?;
            let name = value.alias.clone().unwrap_or_else(|| "count".into());
            return Ok(Output { aggregate: true, ..Output::plain(name, count, lite::Form::Plain) });
        };
        let mut form = lite::Form::of(&relation.column(&field.column)?.kind);
        if !field.path.is_empty() {
            form = if field.text { lite::Form::Plain } else { lite::Form::Json };
        }
        let place = self.place(relation, alias, field, false)?;
        let mut text = self.cast_if(place, value.cast.as_deref())?;
        if let Some(cast) = &value.cast {
            form = lite::Form::of(cast);
        }
        if let Some((aggregate, cast)) = &value.aggregate {
            text = self.cast_if(format!("{}({text})", word(*aggregate)), cast.as_deref())?;
            if !matches!(aggregate, Aggregate::Min | Aggregate::Max) {
                form = lite::Form::Plain;
            }
        }
        let name = value.alias.clone().unwrap_or_else(|| default_name(field, value));
        Ok(Output { aggregate: value.aggregate.is_some(), ..Output::plain(name, text, form) })
    }

    fn cast_if(&self, text: String, to: Option<&str>) -> Result<String, QueryError> {
        to.map_or_else(|| Ok(text.clone()), |to| self.cast(&text, to))
    }

    /// Related rows as one field, or spread over fields of the row above.
    fn embed(
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

    fn order_related(
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

impl Output {
    fn plain(name: String, text: String, form: lite::Form) -> Self {
        Self { name, text, form, aggregate: false, above: Vec::new() }
    }
}

impl Value {
    fn aggregate_cast(&self) -> Option<&str> {
        let of = self.aggregate.as_ref().and_then(|(_, cast)| cast.as_deref());
        of.or(self.cast.as_deref())
    }
}

/// `count` alone counts, as long as no column has that name.
fn is_count(relation: &Relation, value: &Value, field: &Field) -> bool {
    field.column == "count"
        && field.path.is_empty()
        && value.aggregate.is_none()
        && relation.find("count").is_none()
}

fn word(aggregate: Aggregate) -> &'static str {
    match aggregate {
        Aggregate::Count => "count",
        Aggregate::Sum => "sum",
        Aggregate::Avg => "avg",
        Aggregate::Min => "min",
        Aggregate::Max => "max",
    }
}

fn default_name(field: &Field, value: &Value) -> String {
    if let Some((aggregate, _)) = value.aggregate {
        return word(aggregate).to_owned();
    }
    let key = |hop: &Hop| match hop {
        Hop::Key(key) => Some(key.clone()),
        Hop::Index(_) => None,
    };
    field.path.iter().rev().find_map(key).unwrap_or_else(|| field.column.clone())
}

/// What is selected beside an aggregate says which rows go together.
fn grouping(outputs: &[Output]) -> String {
    if !outputs.iter().any(|o| o.aggregate) {
        return String::new();
    }
    let mut by: Vec<&str> = Vec::new();
    for output in outputs.iter().filter(|o| !o.aggregate) {
        if output.above.is_empty() {
            by.push(&output.text);
        } else {
            by.extend(output.above.iter().map(String::as_str));
        }
    }
    if by.is_empty() { String::new() } else { format!(" group by {}", by.join(", ")) }
}
