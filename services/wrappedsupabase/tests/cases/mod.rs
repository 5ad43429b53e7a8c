//! Chains for every method of the query builder, and what the shop's tables answer.

mod embeds;
pub mod project;
mod reads;
mod writes;

use serde_json::{Value, json};

/// What SQLite does of a case.
#[derive(Clone, Debug)]
pub enum Lite {
    /// It answers as Postgres does.
    Same,
    /// It answers this.
    Data(Value),
    /// It refuses with this code.
    Refuses(&'static str),
    /// What is asked for is only on Postgres.
    Absent,
}

/// A chain, and what it is answered.
#[derive(Clone, Debug)]
pub struct Case {
    /// The method it is about.
    pub method: &'static str,
    /// The links.
    pub links: Value,
    /// The data.
    pub data: Value,
    /// The error's code instead.
    pub error: Option<&'static str>,
    /// The status.
    pub status: u16,
    /// The count.
    pub count: Option<u64>,
    /// What SQLite does.
    pub lite: Lite,
    /// Whether supabase-js can be asked for the same.
    pub in_js: bool,
}

impl Case {
    fn on(method: &'static str, links: Value, data: Value) -> Self {
        let lite = Lite::Same;
        Self { method, links, data, error: None, status: 200, count: None, lite, in_js: true }
    }

    fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    fn count(mut self, count: u64) -> Self {
        self.count = Some(count);
        self
    }

    fn fails(mut self, code: &'static str, status: u16) -> Self {
        self.error = Some(code);
        self.status = status;
        self
    }

    fn lite_refuses(mut self) -> Self {
        self.lite = Lite::Refuses("0A000");
        self
    }

    fn only_postgres(mut self) -> Self {
        self.lite = Lite::Absent;
        self
    }

    fn lite(mut self, data: Value) -> Self {
        self.lite = Lite::Data(data);
        self
    }

    fn not_in_js(mut self) -> Self {
        self.in_js = false;
        self
    }
}

/// Every case.
pub fn all() -> Vec<Case> {
    let mut all = reads::cases();
    all.extend(embeds::cases());
    all.extend(reads::modifiers());
    all.extend(writes::cases());
    all.extend(writes::functions());
    all
}

/// `from(table).select(columns)`, more links, then by id.
fn read(table: &str, columns: &str, more: &[Value]) -> Value {
    let mut links = vec![json!(["from", table]), json!(["select", columns])];
    links.extend(more.iter().cloned());
    links.push(json!(["order", "id"]));
    Value::Array(links)
}

/// Names of the users that a filter leaves.
fn users(method: &'static str, filter: Value, names: &[&str]) -> Case {
    let data = names.iter().map(|n| json!({ "name": n })).collect();
    Case::on(method, read("users", "name", &[filter]), data)
}
