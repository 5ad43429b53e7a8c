//! Filters and modifiers.

use serde_json::Value;
use tasker_tables::Explain;

use super::{
    super::{Args, ChainError, Link, js, names::Rest},
    Accept, Exact, Kind, One, RestCall, Verb, operators,
};

const COLUMN: &str = "the column's name";
const REFERENCED: [&str; 2] = ["referencedTable", "foreignTable"];

impl RestCall {
    /// A link after the first.
    pub(super) fn add(&mut self, link: &Link) -> Result<(), ChainError> {
        let args = link.args();
        let Some(method) = Rest::parse(&link.name) else {
            return Err(if super::Root::parse(&link.name).is_some() {
                link.misplaced("a chain begins with from('<table>'), and only there")
            } else {
                link.unknown(Rest::NAMES)
            });
        };
        match method {
            Rest::Insert | Rest::Upsert | Rest::Update | Rest::Delete => {
                let why = "one chain does one thing: select, insert, upsert, update or delete";
                return Err(link.misplaced(why));
            }
            Rest::Select => {
                if self.params.iter().any(|p| p.key == "select" && p.kind == Kind::Shape) {
                    return Err(link.misplaced("select is called twice"));
                }
                args.options(1, &[])?;
                self.select(args)?;
                self.prefer.push("return=representation".into());
                self.returning = true;
            }
            Rest::Order | Rest::Limit | Rest::Range => self.page(method, args)?,
            _ if self.modify(method, args)? => {}
            _ => self.filter(method, link, args)?,
        }
        Ok(())
    }

    fn page(&mut self, method: Rest, args: Args<'_>) -> Result<(), ChainError> {
        if method == Rest::Order {
            let column = args.text(0, COLUMN)?;
            let options =
                args.options(1, &["ascending", "nullsFirst", "referencedTable", "foreignTable"])?;
            let direction = if options.flag("ascending")? == Some(false) { "desc" } else { "asc" };
            let nulls = match options.flag("nullsFirst")? {
                None => "",
                Some(true) => ".nullsfirst",
                Some(false) => ".nullslast",
            };
            let table = options.referenced()?;
            let key = table.map_or_else(|| "order".to_owned(), |t| format!("{t}.order"));
            let known = self.params.iter().find(|p| p.key == key && p.kind == Kind::Order);
            let known = known.map_or(String::new(), |p| format!("{},", p.value));
            let value = format!("{known}{column}.{direction}{nulls}");
            self.set(Kind::Order, "order", table, "order", value);
        } else if method == Rest::Limit {
            let options = args.options(1, &REFERENCED)?;
            let table = options.referenced()?;
            self.set(Kind::Limit, "limit", table, "limit", args.number(0)?.to_string());
        } else {
            let options = args.options(2, &REFERENCED)?;
            let table = options.referenced()?;
            let (from, to) = (args.number(0)?, args.number(1)?);
            let most = i128::from(to) - i128::from(from) + 1;
            self.set(Kind::Offset, "range", table, "offset", from.to_string());
            self.set(Kind::Limit, "range", table, "limit", most.to_string());
        }
        Ok(())
    }

    /// What changes the answer's form, or only the client. False for a filter.
    fn modify(&mut self, method: Rest, args: Args<'_>) -> Result<bool, ChainError> {
        match method {
            Rest::Single => self.accept = Accept::Object,
            Rest::MaybeSingle => self.one = One::OrNone,
            Rest::Csv if self.strip_nulls => {
                return Err(args.wrong("csv() cannot be used with stripNulls()"));
            }
            Rest::Csv => self.accept = Accept::Csv,
            Rest::Geojson => self.accept = Accept::Geo,
            Rest::Explain => self.explain(args)?,
            Rest::Rollback => {
                self.rollback = true;
                self.prefer.push("tx=rollback".into());
            }
            Rest::MaxAffected => {
                let most = args.number(0)?;
                self.max_affected = Some(most);
                self.prefer.push("handling=strict".into());
                self.prefer.push(format!("max-affected={most}"));
            }
            Rest::StripNulls => {
                if matches!(self.accept, Accept::Csv) {
                    return Err(args.wrong("stripNulls() cannot be used with csv()"));
                }
                self.strip_nulls = true;
            }
            Rest::SetHeader => {
                let name = args.text(0, "the header's name")?.to_ascii_lowercase();
                self.headers.push((name, js::text(args.value(1))));
            }
            Rest::Retry => self.retry = *args.value(0) != Value::Bool(false),
            Rest::ThrowOnError => self.throw = true,
            Rest::AbortSignal | Rest::Returns | Rest::OverrideTypes => {}
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn explain(&mut self, args: Args<'_>) -> Result<(), ChainError> {
        let known = ["analyze", "verbose", "settings", "buffers", "wal", "format"];
        let options = args.options(0, &known)?;
        let on = |name| Ok::<_, ChainError>(options.flag(name)?.unwrap_or(false));
        let explain = Explain {
            analyze: on("analyze")?,
            verbose: on("verbose")?,
            settings: on("settings")?,
            buffers: on("buffers")?,
            wal: on("wal")?,
            json: options.word("format", &["text", "json"])? == Some("json"),
        };
        let of = match self.accept {
            Accept::Object => "application/vnd.pgrst.object+json",
            Accept::Csv => "text/csv",
            Accept::Geo => "application/geo+json",
            _ => "application/json",
        };
        self.accept = Accept::Plan(explain, of);
        Ok(())
    }

    fn filter(&mut self, method: Rest, link: &Link, args: Args<'_>) -> Result<(), ChainError> {
        if matches!(self.verb, Verb::Insert | Verb::Upsert { .. }) {
            return Err(
                link.misplaced(&format!("{} has no meaning for insert and upsert", link.name))
            );
        }
        let name = link.name.as_str();
        match method {
            Rest::Match => {
                for (column, value) in args.object(0, "columns and the values they must have")? {
                    self.compare(name, column, "eq", &value);
                }
                Ok(())
            }
            Rest::Or => self.or(name, args),
            _ => self.filter_column(method, name, args),
        }
    }

    fn or(&mut self, name: &str, args: Args<'_>) -> Result<(), ChainError> {
        let options = args.options(1, &REFERENCED)?;
        let table = options.referenced()?;
        let key = table.map_or_else(|| "or".to_owned(), |t| format!("{t}.or"));
        let value = format!("({})", args.text(0, "filters, comma separated")?);
        let (kind, method) = (Kind::Logic, name.to_owned());
        let table = table.map(str::to_owned);
        self.params.push(super::Param { kind, method, table, key, value, exact: None });
        Ok(())
    }

    /// A filter whose first argument is a column.
    fn filter_column(
        &mut self,
        method: Rest,
        name: &str,
        args: Args<'_>,
    ) -> Result<(), ChainError> {
        let column = args.text(0, COLUMN)?;
        match method {
            Rest::Not | Rest::Filter => {
                let operator = args.text(1, "an operator, as in 'eq'")?;
                let prefix = if method == Rest::Not { "not." } else { "" };
                let value = args.given(2, "the value to compare with")?;
                self.compare(name, column, &format!("{prefix}{operator}"), value);
            }
            Rest::In | Rest::NotIn => {
                let all = args.list(1, "the values")?;
                let operator = if method == Rest::In { "in" } else { "not.in" };
                let (text, all) = operators::listed(all);
                let value = format!("{operator}.({text})");
                self.append(Kind::Filter, name, column, value, Some(Exact::List(all)));
            }
            Rest::LikeAllOf | Rest::LikeAnyOf | Rest::IlikeAllOf | Rest::IlikeAnyOf => {
                let all = args.list(1, "the patterns")?;
                let operator = match method {
                    Rest::LikeAllOf => "like(all)",
                    Rest::LikeAnyOf => "like(any)",
                    Rest::IlikeAllOf => "ilike(all)",
                    _ => "ilike(any)",
                };
                let text = js::joined(&all.iter().map(js::part).collect::<Vec<_>>());
                let value = format!("{operator}.{{{text}}}");
                self.append(Kind::Filter, name, column, value, Some(Exact::List(all)));
            }
            Rest::Contains | Rest::ContainedBy | Rest::Overlaps => {
                let operator = match method {
                    Rest::Contains => "cs",
                    Rest::ContainedBy => "cd",
                    _ => "ov",
                };
                self.collection(name, column, operator, args)?;
            }
            Rest::TextSearch => {
                self.append(Kind::Filter, name, column, operators::text_search(args)?, None);
            }
            plain => {
                let operator = operators::compared(plain);
                let value = args.given(1, "the value to compare with")?;
                self.compare(name, column, operator, value);
            }
        }
        Ok(())
    }

    fn compare(&mut self, method: &str, column: String, operator: &str, value: &Value) {
        let exact = value.is_null().then_some(Exact::Null);
        let value = format!("{operator}.{}", js::text(value));
        self.append(Kind::Filter, method, column, value, exact);
    }

    fn collection(
        &mut self,
        method: &str,
        column: String,
        operator: &str,
        args: Args<'_>,
    ) -> Result<(), ChainError> {
        let (value, exact) = match args.given(1, "the value to compare with")? {
            Value::Array(all) => {
                let exact = args.list(1, "the elements")?;
                (format!("{{{}}}", js::joined(all)), Some(Exact::List(exact)))
            }
            Value::Object(_) => (args.raw(1).map_or(String::new(), |r| r.get().to_owned()), None),
            other => (js::text(other), None),
        };
        self.append(Kind::Filter, method, column, format!("{operator}.{value}"), exact);
        Ok(())
    }
}
