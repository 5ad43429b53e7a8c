//! Changes.

use super::{
    super::{
        answer::Answer,
        ast::{Action, Fields, Query},
        catalog::{Catalog, Relation},
        error::QueryError,
        render::{SOURCE, Sql, columns_of},
    },
    Work,
    form::{Shown, split},
};
use tasker_sql::Session;

/// Most parameters of one of SQLite's statements.
const MOST_PARAMETERS: usize = 30_000;

impl<S: Session> Work<'_, S> {
    /// A change on Postgres.
    pub(super) async fn write(&mut self, catalog: &Catalog) -> Result<Answer, QueryError> {
        let query = self.query;
        let relation = catalog.relation(&query.target, true)?;
        let (mut all, mut affected) = (Vec::new(), 0);
        for (mut sql, change, returned) in changes(catalog, relation, query, usize::MAX)? {
            let text = if query.answers {
                let source = format!("with {SOURCE} as ({change} returning {returned})");
                let inside = sql.rows(relation, SOURCE, &query.read, false, Vec::new())?;
                self.union(&source, &format!("select 1 from {SOURCE}"), &inside)
            } else {
                let source = format!("with {SOURCE} as ({change} returning 1)");
                format!("{source} select count(*), null::text, null::text from {SOURCE}")
            };
            let (changed, rows) = split(self.ask(sql.done(text)).await?)?;
            affected += changed;
            all.extend(rows);
        }
        self.finish(all, Some(affected), Some(affected))
    }

    /// A change on SQLite, which answers the numbers of the rows; they are read afterwards, or,
    /// if they are about to go, before.
    pub(super) async fn lite_write(&mut self, catalog: &Catalog) -> Result<Answer, QueryError> {
        let query = self.query;
        let relation = catalog.relation(&query.target, true)?;
        if query.answers && !relation.rowid {
            let what = "Answering rows of a view or of a table without row numbers";
            return Err(QueryError::unsupported(what));
        }
        let mut rows = Vec::new();
        let gone = matches!(query.action, Action::Delete);
        if gone && query.answers {
            rows = self.lite_rows(catalog, relation, None).await?;
        }
        let (mut ids, mut affected) = (Vec::new(), 0);
        let most = MOST_PARAMETERS / relation.columns.len().max(1);
        for (sql, change, _) in changes(catalog, relation, query, most)? {
            let id = if relation.rowid { "rowid" } else { "1" };
            let changed = self.ask(sql.done(format!("{change} returning {id}"))).await?;
            affected += changed.len() as u64;
            for mut row in changed {
                ids.push(row.int()?);
            }
        }
        if query.answers && !gone {
            rows = self.lite_rows(catalog, relation, Some(&ids)).await?;
        }
        self.finish(rows, Some(affected), Some(affected))
    }

    /// Rows by their numbers, in that order unless another is asked for; or those that match.
    async fn lite_rows(
        &mut self,
        catalog: &Catalog,
        relation: &Relation,
        ids: Option<&[i64]>,
    ) -> Result<Vec<Shown>, QueryError> {
        let read = &self.query.read;
        let mut sql = Sql::new(catalog);
        let table = sql.table(relation)?;
        let mut also = Vec::new();
        let mut ordered = read.clone();
        if let Some(ids) = ids {
            let list = sql.bind(tasker_core::json::of(ids));
            also.push(format!("rowid in (select value from json_each({list}))"));
            // In Rust below: a limit must not cut before the rows are in order.
            if read.order.is_empty() {
                ordered.limit = None;
            }
        }
        let own = ids.is_none();
        let text = sql.rows_with_ids(relation, &table, &ordered, own, also)?;
        let (json, _) = self.columns();
        let text = format!("select {json}, null, \"answer\".i from ({text}) \"answer\"");
        let mut rows = Vec::new();
        for mut row in self.ask(sql.done(text)).await? {
            rows.push((Shown { json: row.text()?, csv: row.maybe_text()? }, row.int()?));
        }
        if let (Some(ids), true) = (ids, read.order.is_empty()) {
            let places: std::collections::HashMap<i64, usize> =
                ids.iter().enumerate().map(|(place, id)| (*id, place)).collect();
            rows.sort_by_key(|(_, id)| places.get(id).copied());
            rows.truncate(read.limit.map_or(usize::MAX, |n| n as usize));
        }
        Ok(rows.into_iter().map(|(shown, _)| shown).collect())
    }
}

/// The statements of a change, and what each answers of its rows. Rows that must take defaults for
/// what they lack, and only those, go with others that lack the same.
fn changes<'a>(
    catalog: &'a Catalog,
    relation: &Relation,
    query: &Query,
    most: usize,
) -> Result<Vec<(Sql<'a>, String, String)>, QueryError> {
    let read = &query.read;
    let mut sql = Sql::new(catalog);
    let insert = match &query.action {
        Action::Insert(insert) => insert,
        Action::Update(patch) if patch.is_empty() => return Ok(Vec::new()),
        Action::Update(patch) => {
            let (text, returned) = sql.update(relation, patch, read)?;
            return Ok(vec![(sql, text, returned)]);
        }
        _ => {
            let (text, returned) = sql.delete(relation, read)?;
            return Ok(vec![(sql, text, returned)]);
        }
    };
    let all = columns_of(&insert.rows);
    if all.is_empty() && !insert.rows.is_empty() {
        return Err(QueryError::new("22023", "there is no column to write: the row is empty"));
    }
    let mut statements = Vec::new();
    let same = |a: &Fields, b: &Fields| {
        !insert.missing_default
            || columns_of(std::slice::from_ref(a)) == columns_of(std::slice::from_ref(b))
    };
    for group in insert.rows.chunk_by(same).flat_map(|g| g.chunks(most.max(1))) {
        let mut sql = Sql::new(catalog);
        let names = if insert.missing_default { columns_of(group) } else { all.clone() };
        let text = sql.insert(relation, &names, group, insert.conflict.as_ref())?;
        statements.push((sql, text, "*".to_owned()));
    }
    Ok(statements)
}
