//! Calls of functions.

use super::{
    super::{
        answer::{Answer, Data, document},
        ast::Fields,
        catalog::Catalog,
        error::QueryError,
        function::Function,
        render::{SOURCE, Sql},
    },
    Work,
    form::split,
};
use tasker_sql::{Row, Session};

impl<S: Session> Work<'_, S> {
    /// A function of Postgres's.
    pub(super) async fn call(
        &mut self,
        catalog: &Catalog,
        function: &Function,
        args: &Fields,
    ) -> Result<Answer, QueryError> {
        let mut sql = Sql::new(catalog);
        let (with, call) = function.call(&mut sql, &self.query.target, args)?;
        let with = with.map_or(String::new(), |w| format!("{w}, "));
        let Some(relation) = function.relation(catalog, &self.query.target) else {
            let source = format!("with {with}{SOURCE} as (select * from {call} as f (v)) ");
            let text = format!("{source}select coalesce(to_json(v)::text, 'null') from {SOURCE}");
            let rows = self.ask(sql.done(text)).await?;
            return self.values(rows, function);
        };
        let inside = sql.rows(&relation, SOURCE, &self.query.read, true, Vec::new())?;
        let counted = sql.counted(&relation, SOURCE, &self.query.read)?;
        let source = format!("with {with}{SOURCE} as (select * from {call} as f)");
        let text = self.union(&source, &counted, &inside);
        let rows = self.ask(sql.done(text)).await?;
        let (affected, rows) = split(rows)?;
        let mut answer = self.finish(rows, Some(affected), Some(affected))?;
        if let (false, Data::Rows(rows)) = (function.set, &mut answer.data) {
            answer.data = rows.pop().map_or(Data::Nothing, Data::Value);
        }
        Ok(answer)
    }

    /// Plain values that a function answers.
    fn values(&self, rows: Vec<Row>, function: &Function) -> Result<Answer, QueryError> {
        let affected = rows.len() as u64;
        self.check(rows.len(), affected)?;
        let mut rows = rows
            .into_iter()
            .map(|mut r| document(r.text()?))
            .collect::<Result<Vec<_>, QueryError>>()?;
        let data = match (function.void, function.set) {
            (true, _) => Data::Nothing,
            (_, true) => Data::Rows(rows),
            (_, false) => rows.pop().map_or(Data::Nothing, Data::Value),
        };
        let count = self.query.count.map(|_| affected);
        Ok(Answer { data, count, affected })
    }
}
