//! One request, in one transaction.

mod call;
mod form;
mod read;
mod write;

use super::{
    answer::Answer,
    ast::{Action, Asker, Fields, Query},
    catalog::{Catalog, documents},
    error::QueryError,
    function::Function,
    guard,
    once::{self, Known, Once},
    render::Statement,
    sql,
};
use tasker_core::json;
use tasker_sql::{Backend, Dialect, Row, Session, Write};

/// Runs a request; one that was done before under its key is answered as it was then.
pub async fn run<B: Backend>(
    backend: &B,
    query: &Query,
    asker: Option<&Asker>,
    once: Option<&Once>,
) -> Result<Answer, QueryError> {
    let schema = schema(backend.dialect(), query)?;
    if let Action::Call { .. } = query.action {
        guard::function(&query.target)?;
    } else {
        guard::relation(&query.target, query.writes())?;
    }
    // What changes nothing is done again.
    let once = once.filter(|_| query.writes() && !query.rollback && once::kept());
    let mut s = backend.begin().await?;
    let known = match once {
        Some(once) => once.look(&mut s).await.and_then(Known::answer),
        None => Ok(None),
    };
    match known {
        Ok(None) => {}
        known => {
            s.rollback().await;
            return known.and_then(|a| once::kept_answer(&a.unwrap_or_else(json::null)));
        }
    }
    let mut work = Work { s: &mut s, dialect: backend.dialect(), query, schema };
    match work.answer(asker).await {
        Ok(answer) if query.rollback => {
            s.rollback().await;
            Ok(answer)
        }
        Ok(answer) => {
            let last = once.map_or_else(Vec::new, |once| work.last(asker, once, &answer));
            match s.commit(last).await.map_err(QueryError::from) {
                Err(QueryError::Unavailable(why)) if query.writes() => {
                    Err(QueryError::Unknown(why))
                }
                done => done.map(|_| answer),
            }
        }
        Err(error) => {
            s.rollback().await;
            Err(error)
        }
    }
}

fn schema(dialect: Dialect, query: &Query) -> Result<&str, QueryError> {
    let schema = query.schema.as_deref().unwrap_or("public");
    guard::schema(schema)?;
    if dialect == Dialect::Sqlite && schema != "public" {
        return Err(QueryError::unsupported("A schema other than public"));
    }
    Ok(schema)
}

impl Query {
    /// Whether it may change anything.
    fn writes(&self) -> bool {
        !matches!(self.action, Action::Read | Action::Call { read_only: true, .. })
    }
}

/// A request under way.
struct Work<'a, S> {
    s: &'a mut S,
    dialect: Dialect,
    query: &'a Query,
    schema: &'a str,
}

impl<S: Session> Work<'_, S> {
    /// What is written beside the change: its answer. The caller's role may not see that table.
    fn last(&self, asker: Option<&Asker>, once: &Once, answer: &Answer) -> Vec<Write> {
        let switched = self.dialect == Dialect::Postgres && asker.is_some_and(|a| a.switch);
        let own_role = switched.then(|| Write::new(crate::request_answers::OWN_ROLE, []));
        own_role.into_iter().chain([once.keep(&once::to_keep(answer))]).collect()
    }

    async fn answer(&mut self, asker: Option<&Asker>) -> Result<Answer, QueryError> {
        let function = match &self.query.action {
            Action::Call { args, .. } => Some(self.function(args).await?),
            _ => None,
        };
        let root = match &function {
            Some(function) => function.relation.as_deref(),
            None => Some(self.query.target.as_str()),
        };
        let catalog = Catalog::load(self.s, self.dialect, self.schema, self.query, root).await?;
        self.set_up(asker).await?;
        match (&self.query.action, function) {
            (Action::Call { args, .. }, Some(function)) => {
                self.call(&catalog, &function, args).await
            }
            (Action::Read, _) => self.read(&catalog).await,
            _ if self.dialect == Dialect::Postgres => self.write(&catalog).await,
            _ => self.lite_write(&catalog).await,
        }
    }

    /// Role, claims, and whether anything can be written.
    async fn set_up(&mut self, asker: Option<&Asker>) -> Result<(), QueryError> {
        let postgres = self.dialect == Dialect::Postgres;
        let mut first = Vec::new();
        match asker {
            Some(asker) if asker.switch && !postgres => {
                return Err(QueryError::unsupported("Access for other roles than service_role"));
            }
            Some(asker) if asker.switch => {
                let role = asker.role.as_str();
                if self.s.query(sql::ROLE, vec![role.into()]).await?.is_empty() {
                    let role: String = role.chars().take(60).collect();
                    let message = format!("role \"{role}\" cannot be used by a token");
                    return Err(QueryError::new("42501", message));
                }
                first.push(Write::new(sql::ASKER, [asker.claims.as_str().into(), role.into()]));
            }
            Some(asker) if postgres => {
                first.push(Write::new(sql::CLAIMS, [asker.claims.as_str().into()]));
            }
            _ => {}
        }
        if postgres && !self.query.writes() {
            first.push(Write::new(sql::READ_ONLY, []));
        }
        if !first.is_empty() {
            self.s.queries(first).await?;
        }
        Ok(())
    }

    async fn function(&mut self, args: &Fields) -> Result<Function, QueryError> {
        if self.dialect == Dialect::Sqlite {
            return Err(QueryError::unsupported("Calling a function (rpc)"));
        }
        let target = self.query.target.as_str();
        let found = self.s.query(sql::FUNCTIONS, vec![target.into(), self.schema.into()]).await?;
        Function::choose(documents(found)?, self.schema, target, args)
    }

    async fn ask(&mut self, statement: Statement) -> Result<Vec<Row>, QueryError> {
        tracing::debug!(target: "tasker_tables", sql = statement.text, "statement");
        Ok(self.s.query_text(statement.text, statement.params).await?)
    }
}
