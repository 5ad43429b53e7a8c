//! One SQL text for both databases. What differs is written as `{word argument}`:
//!
//! | written | Postgres | SQLite |
//! |---|---|---|
//! | `{now}` | `clock_timestamp()` | milliseconds now |
//! | `{after $3}` | now plus $3 milliseconds | the same |
//! | `{ms created_at}` | the column as milliseconds | the column |
//! | `{json $4}` | `$4::text::json` | `$4` |
//! | `{text col}` | `col::text` | `col` |
//! | `{int $1}` | `$1::bigint` | `$1` |
//! | `{ids $1}` | the numbers `n` of the JSON array $1, in its order, as a subquery | the same |
//! | `{logs}` | text array of run $1's log | JSON array of it |
//! | `{now_ms}` | now in milliseconds | the same |
//! | `{lock}` | `for update` | nothing: the one writer holds the database |
//! | `{skip}` | `for update skip locked` | nothing |
//! | `{tell}` | notifies the processors of all processes | nothing: there is one process |
//! | `{crashes 2}` | 2: a limit that fault tests leave out | the same |

/// Which database a text is rendered for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Postgres 15 or newer.
    Postgres,
    /// SQLite, bundled.
    Sqlite,
}

/// Channel on which Postgres tells processors of new runs.
pub const CREATED: &str = "tasker_created";

const LOGS: &str =
    "select level || ': ' || message as line from task_logs where task_run_id = $1 order by id";
const SQLITE_NOW: &str = "cast(unixepoch('subsec') * 1000 as integer)";

impl Dialect {
    /// Renders a template.
    pub fn render(self, template: &str) -> String {
        let mut out = String::with_capacity(template.len() + 64);
        let mut rest = template;
        while let Some(open) = rest.find('{') {
            out.push_str(&rest[..open]);
            let close = rest[open..].find('}').map_or(rest.len(), |i| open + i);
            let (word, argument) = split(&rest[open + 1..close]);
            out.push_str(&self.expand(word, argument));
            rest = rest.get(close + 1..).unwrap_or_default();
        }
        out.push_str(rest);
        if self == Self::Sqlite { out.replace('$', "?") } else { out }
    }

    fn expand(self, word: &str, x: &str) -> String {
        match (self, word) {
            (Self::Postgres, "now") => "clock_timestamp()".into(),
            (Self::Postgres, "after") => {
                format!("clock_timestamp() + {x}::bigint * interval '1 millisecond'")
            }
            (Self::Postgres, "ms") => format!("floor(extract(epoch from {x}) * 1000)::bigint"),
            (Self::Postgres, "json") => format!("{x}::text::json"),
            (Self::Postgres, "text") => format!("{x}::text"),
            (Self::Postgres, "int") => format!("{x}::bigint"),
            (Self::Postgres, "ids") => {
                format!("(select n::bigint as n from json_array_elements_text({x}::text::json) n)")
            }
            (Self::Sqlite, "ids") => format!("(select value as n from json_each({x}))"),
            (Self::Postgres, "now_ms") => {
                "floor(extract(epoch from clock_timestamp()) * 1000)::bigint".into()
            }
            (Self::Postgres, "logs") => format!("array({LOGS})"),
            (Self::Postgres, "lock") => "for update".into(),
            (Self::Postgres, "skip") if tasker_core::fault::on("nolock") => String::new(),
            (Self::Postgres, "skip") => "for update skip locked".into(),
            (Self::Postgres, "tell") => format!("pg_notify('{CREATED}', '')::text"),
            (Self::Sqlite, "tell") => "''".into(),
            (Self::Sqlite, "logs") => format!("(select json_group_array(line) from ({LOGS}))"),
            (Self::Sqlite, "now" | "now_ms") => SQLITE_NOW.into(),
            (Self::Sqlite, "after") => format!("({SQLITE_NOW} + {x})"),
            (Self::Sqlite, "lock" | "skip") => String::new(),
            (_, "crashes") if tasker_core::fault::on("nocrashlimit") => "1000000".into(),
            (_, _) => x.to_owned(),
        }
    }
}

fn split(inside: &str) -> (&str, &str) {
    inside.split_once(' ').unwrap_or((inside, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renders_both() {
        let t = "select {ms a} from t where b < {after $2} and c = $1 {lock}";
        assert_eq!(
            Dialect::Postgres.render(t),
            "select floor(extract(epoch from a) * 1000)::bigint from t where b < \
             clock_timestamp() + $2::bigint * interval '1 millisecond' and c = $1 for update"
        );
        assert_eq!(
            Dialect::Sqlite.render(t).trim(),
            "select a from t where b < (cast(unixepoch('subsec') * 1000 as integer) + ?2) and c = ?1"
        );
    }
}
