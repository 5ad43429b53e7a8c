//! Rows in the form that was asked for, and what was asked of their number.

use super::{
    super::{
        answer::{Answer, Data, csv_line, csv_names, document},
        ast::{Action, Format},
        error::QueryError,
    },
    Work,
};
use tasker_sql::{Dialect, Row, Session};

impl<S: Session> Work<'_, S> {
    /// Rows as JSON text (and, for CSV, as the database writes records).
    pub(super) fn shown(&self, inside: &str) -> String {
        let (json, csv) = self.columns();
        format!("select {json}, {csv} from ({inside}) \"answer\"")
    }

    pub(super) fn columns(&self) -> (String, &'static str) {
        let csv = matches!(self.query.format, Format::Csv);
        let strip = self.query.strip_nulls;
        let json = match self.dialect {
            Dialect::Postgres if strip => "json_strip_nulls(row_to_json(\"answer\".*))::text",
            Dialect::Postgres => "row_to_json(\"answer\".*)::text",
            Dialect::Sqlite if strip => "tasker_strip(\"answer\".j)",
            Dialect::Sqlite => "\"answer\".j",
        };
        let csv = match self.dialect {
            Dialect::Postgres if csv => "(\"answer\".*)::text",
            Dialect::Postgres => "null::text",
            Dialect::Sqlite => "null",
        };
        (json.to_owned(), csv)
    }

    /// How many rows there are in the first row, then the rows.
    pub(super) fn union(&self, source: &str, counted: &str, inside: &str) -> String {
        let (json, csv) = self.columns();
        format!(
            "{source} select count(*), null::text, null::text from ({counted}) c \
             union all select null::bigint, {json}, {csv} from ({inside}) \"answer\""
        )
    }

    /// Checks what was asked of the number of rows, and puts them into their form.
    pub(super) fn finish(
        &self,
        rows: Vec<Shown>,
        affected: Option<u64>,
        count: Option<u64>,
    ) -> Result<Answer, QueryError> {
        let affected = affected.unwrap_or(rows.len() as u64);
        let shown = if self.query.answers { rows.len() } else { affected as usize };
        self.check(shown, affected)?;
        let count = count.filter(|_| self.query.count.is_some());
        let data = match self.query.format {
            _ if !self.query.answers => Data::Nothing,
            Format::Csv => Data::Text(csv(rows)?),
            _ => Data::Rows(
                rows.into_iter().map(|r| document(r.json)).collect::<Result<Vec<_>, _>>()?,
            ),
        };
        Ok(Answer { data, count, affected })
    }

    pub(super) fn check(&self, shown: usize, affected: u64) -> Result<(), QueryError> {
        let bounded = !matches!(self.query.action, Action::Read | Action::Insert(_));
        if bounded && self.query.max_affected.is_some_and(|most| affected > most) {
            let message = "Query result exceeds max-affected preference constraint";
            return Err(QueryError::new("PGRST124", message)
                .details(format!("The query affects {affected} rows")));
        }
        if self.query.single && shown != 1 {
            let message = "Cannot coerce the result to a single JSON object";
            return Err(QueryError::new("PGRST116", message)
                .details(format!("The result contains {shown} rows")));
        }
        Ok(())
    }
}

/// A row of the answer.
pub struct Shown {
    /// As JSON.
    pub json: String,
    /// As a record, if the database wrote one.
    pub csv: Option<String>,
}

impl Shown {
    /// Reads one.
    pub fn read(mut row: Row) -> Result<Self, QueryError> {
        Ok(Self { json: row.text()?, csv: row.maybe_text()? })
    }
}

/// The number in the first row, and the others.
pub fn split(rows: Vec<Row>) -> Result<(u64, Vec<Shown>), QueryError> {
    let mut rows = rows.into_iter();
    let first = rows.next().ok_or_else(|| QueryError::Corrupt("no count".into()))?;
    let affected = { first }.int()?;
    let rest = rows.map(|mut row| {
        row.value()?;
        Shown::read(row)
    });
    Ok((u64::try_from(affected).unwrap_or(0), rest.collect::<Result<_, _>>()?))
}

fn csv(rows: Vec<Shown>) -> Result<String, QueryError> {
    let mut lines = vec![match rows.first() {
        Some(first) => csv_names(&first.json)?,
        None => String::new(),
    }];
    for row in rows {
        lines.push(match row.csv {
            // Without the parentheses of a record.
            Some(record) => record.get(1..record.len() - 1).unwrap_or_default().to_owned(),
            None => csv_line(&row.json)?,
        });
    }
    Ok(if lines.len() == 1 { "\n".into() } else { lines.join("\n") })
}
