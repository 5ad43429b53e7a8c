//! Reads, and how many rows there are.

use super::{
    super::{
        answer::{Answer, Data, document},
        ast::{Count, Explain, Format},
        catalog::{Catalog, Relation, documents},
        error::QueryError,
        render::Sql,
    },
    Work,
    form::Shown,
};
use tasker_sql::{Dialect, Session, one};

/// More rows than these are estimated.
const MANY: i64 = 1000;

impl<S: Session> Work<'_, S> {
    /// Rows that match.
    pub(super) async fn read(&mut self, catalog: &Catalog) -> Result<Answer, QueryError> {
        let query = self.query;
        let relation = catalog.relation(&query.target, false)?;
        let mut sql = Sql::new(catalog);
        let table = sql.table(relation)?;
        let inside = sql.rows(relation, &table, &query.read, true, Vec::new())?;
        if let Format::Explain(explain) = &query.format {
            return self.explain(sql, &inside, explain).await;
        }
        let text = self.shown(&inside);
        let rows = self.ask(sql.done(text)).await?;
        let rows = rows.into_iter().map(Shown::read).collect::<Result<Vec<_>, _>>()?;
        let count = match query.count {
            Some(count) => Some(self.count(catalog, relation, count).await?),
            None => None,
        };
        self.finish(rows, None, count)
    }

    async fn explain(
        &mut self,
        sql: Sql<'_>,
        inside: &str,
        explain: &Explain,
    ) -> Result<Answer, QueryError> {
        if self.dialect == Dialect::Sqlite {
            return Err(QueryError::unsupported("explain"));
        }
        let words = [
            (explain.analyze, "analyze"),
            (explain.verbose, "verbose"),
            (explain.settings, "settings"),
            (explain.buffers, "buffers"),
            (explain.wal, "wal"),
        ];
        let mut options: Vec<&str> = words.iter().filter(|(on, _)| *on).map(|(_, w)| *w).collect();
        options.push(if explain.json { "format json" } else { "format text" });
        let text = format!("explain ({}) {inside}", options.join(", "));
        let rows = self.ask(sql.done(text)).await?;
        let lines = rows.into_iter().map(|mut r| r.text()).collect::<Result<Vec<_>, _>>()?;
        let text = lines.join("\n");
        let data = if explain.json { Data::Value(document(text)?) } else { Data::Text(text) };
        Ok(Answer { data, count: None, affected: 0 })
    }

    async fn count(
        &mut self,
        catalog: &Catalog,
        relation: &Relation,
        count: Count,
    ) -> Result<u64, QueryError> {
        let exact = count == Count::Exact || self.dialect == Dialect::Sqlite;
        if count != Count::Planned || exact {
            let most = (!exact).then_some(MANY + 1);
            let found = self.counted(catalog, relation, most).await?;
            if exact || found <= MANY {
                return Ok(u64::try_from(found).unwrap_or(0));
            }
        }
        let mut sql = Sql::new(catalog);
        let table = sql.table(relation)?;
        let inside = sql.counted(relation, &table, &self.query.read)?;
        let rows = self.ask(sql.done(format!("explain (format json) {inside}"))).await?;
        let plan: serde_json::Value = documents(rows)?.pop().unwrap_or_default();
        let rows = plan[0]["Plan"]["Plan Rows"].as_f64().unwrap_or(0.0);
        Ok(rows as u64)
    }

    async fn counted(
        &mut self,
        catalog: &Catalog,
        relation: &Relation,
        most: Option<i64>,
    ) -> Result<i64, QueryError> {
        let mut sql = Sql::new(catalog);
        let table = sql.table(relation)?;
        let inside = sql.counted(relation, &table, &self.query.read)?;
        let limit = most.map_or(String::new(), |n| format!(" limit {n}"));
        let rows = self.ask(sql.done(format!("select count(*) from ({inside}{limit}) c"))).await?;
        Ok(one(rows)?.int()?)
    }
}
