//! How an embedded table is related to the one above it, as PostgREST decides it.

use serde_json::json;

use super::{ast::Embed, error::QueryError, foreign_key::ForeignKey};

/// A relationship, seen from the row above.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The related table.
    pub target: String,
    /// Whether there is at most one related row.
    pub to_one: bool,
    /// How rows find each other.
    pub on: On,
    name: String,
    cardinality: &'static str,
}

/// How rows find each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum On {
    /// Equal columns: above, related.
    Columns(Vec<(String, String)>),
    /// Through a table between them: above and between, between and related.
    Junction(String, Vec<(String, String)>, Vec<(String, String)>),
}

impl Link {
    /// The table between them.
    pub fn junction(&self) -> Option<String> {
        match &self.on {
            On::Junction(table, ..) => Some(table.clone()),
            On::Columns(_) => None,
        }
    }

    /// Columns of the row above that the relationship uses.
    pub fn above(&self) -> impl Iterator<Item = &str> {
        let (On::Columns(pairs) | On::Junction(_, pairs, _)) = &self.on;
        pairs.iter().map(|(above, _)| above.as_str())
    }
}

/// The relationship that an embed means.
pub fn relate(
    keys: &[ForeignKey],
    schema: &str,
    parent: &str,
    embed: &Embed,
) -> Result<Link, QueryError> {
    let (target, hint) = (embed.target.as_str(), embed.hint.as_deref());
    let mut found: Vec<Link> = direct(keys, parent, target, hint);
    found.extend(between(keys, parent, target, hint));
    match found.len() {
        1 => Ok(found.swap_remove(0)),
        0 => Err(none(keys, schema, parent, target, hint)),
        _ => Err(several(&found, parent, target)),
    }
}

fn pairs(left: &[String], right: &[String]) -> Vec<(String, String)> {
    left.iter().cloned().zip(right.iter().cloned()).collect()
}

fn is_only(columns: &[String], name: &str) -> bool {
    matches!(columns, [only] if only == name)
}

/// Relationships by one foreign key.
fn direct(keys: &[ForeignKey], parent: &str, target: &str, hint: Option<&str>) -> Vec<Link> {
    let mut found = Vec::new();
    for key in keys {
        let selves = key.from == key.to;
        // A row names another one.
        if key.from == parent {
            let by_column = !key.derived && is_only(&key.columns, target);
            let by_name = !key.derived && key.name == target;
            let named = !selves && (key.to == target || by_name);
            let hinted =
                |h: &str| key.name == h || is_only(&key.columns, h) || is_only(&key.refs, h);
            let fits = match hint {
                None => by_column || named,
                Some(h) => !selves && key.to == target && hinted(h),
            };
            if fits {
                found.push(link(key, true, &key.to, pairs(&key.columns, &key.refs)));
            }
        }
        // Others name the row.
        if key.to == parent {
            let hinted =
                |h: &str| key.name == h || is_only(&key.columns, h) || is_only(&key.refs, h);
            let fits = match hint {
                None => key.from == target || (!selves && !key.derived && key.name == target),
                Some(h) => key.from == target && hinted(h),
            };
            if fits {
                found.push(link(key, key.is_unique(), &key.from, pairs(&key.refs, &key.columns)));
            }
        }
    }
    found
}

fn link(key: &ForeignKey, to_one: bool, target: &str, on: Vec<(String, String)>) -> Link {
    let cardinality = match (to_one, key.is_unique()) {
        (true, true) => "one-to-one",
        (true, false) => "many-to-one",
        (false, _) => "one-to-many",
    };
    let name = key.name.clone();
    Link { target: target.to_owned(), to_one, on: On::Columns(on), name, cardinality }
}

/// Relationships through a table whose primary key holds both foreign keys.
fn between(keys: &[ForeignKey], parent: &str, target: &str, hint: Option<&str>) -> Vec<Link> {
    let within = |k: &ForeignKey| k.columns.iter().all(|c| k.key.contains(c));
    let mut found = Vec::new();
    for a in keys.iter().filter(|a| a.to == parent && within(a)) {
        let others = keys.iter().filter(|b| b.from == a.from && b.name != a.name);
        for b in others.filter(|b| b.to == target && within(b)) {
            if hint.is_none_or(|h| h == a.from) {
                let on = On::Junction(
                    a.from.clone(),
                    pairs(&a.refs, &a.columns),
                    pairs(&b.columns, &b.refs),
                );
                let name = a.from.clone();
                let target = target.to_owned();
                found.push(Link { target, to_one: false, on, name, cardinality: "many-to-many" });
            }
        }
    }
    found
}

fn none(
    keys: &[ForeignKey],
    schema: &str,
    parent: &str,
    target: &str,
    hint: Option<&str>,
) -> QueryError {
    let using = hint.map_or(String::new(), |h| format!(" using the hint '{h}'"));
    let message = format!(
        "Could not find a relationship between '{parent}' and '{target}' in the schema cache"
    );
    let details = format!(
        "Searched for a foreign key relationship between '{parent}' and '{target}'{using} in the \
         schema '{schema}', but no matches were found."
    );
    let error = QueryError::new("PGRST200", message).details(details);
    let near = keys.iter().find_map(|k| match () {
        () if k.from == parent => Some(&k.to),
        () if k.to == parent => Some(&k.from),
        () => None,
    });
    match near {
        Some(near) if near != target => {
            error.hint(format!("Perhaps you meant '{near}' instead of '{target}'."))
        }
        _ => error,
    }
}

fn several(found: &[Link], parent: &str, target: &str) -> QueryError {
    let message = format!(
        "Could not embed because more than one relationship was found for '{parent}' and '{target}'"
    );
    let choices: Vec<String> = found.iter().map(|l| format!("'{target}!{}'", l.name)).collect();
    let hint = format!(
        "Try changing '{target}' to one of the following: {}. Find the desired relationship in the \
         'details' key.",
        choices.join(", ")
    );
    let details: Vec<_> = found
        .iter()
        .map(|l| {
            json!({
                "cardinality": l.cardinality,
                "embedding": format!("{parent} with {}", l.target),
                "relationship": l.name,
            })
        })
        .collect();
    QueryError::new("PGRST201", message).hint(hint).details(json!(details).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Join, Read};

    fn key(name: &str, from: &str, column: &str, to: &str, primary: &[&str]) -> ForeignKey {
        ForeignKey {
            name: name.into(),
            from: from.into(),
            to: to.into(),
            columns: vec![column.into()],
            refs: vec!["id".into()],
            key: primary.iter().map(ToString::to_string).collect(),
            uniques: vec![],
            derived: false,
        }
    }

    fn of(keys: &[ForeignKey], parent: &str, target: &str, hint: Option<&str>) -> String {
        let embed = Embed {
            target: target.into(),
            hint: hint.map(str::to_owned),
            alias: None,
            join: Join::Left,
            spread: false,
            read: Read::default(),
        };
        match relate(keys, "public", parent, &embed) {
            Ok(link) => format!("{} {} {}", link.cardinality, link.target, link.name),
            Err(error) => error.code().unwrap().to_owned(),
        }
    }

    #[test]
    fn relationships_are_found_as_postgrest_finds_them() {
        let keys = [
            key("orders_user_fkey", "orders", "user_id", "users", &["id"]),
            key("orders_payer_fkey", "orders", "payer_id", "users", &["id"]),
            key("items_order_fkey", "items", "order_id", "orders", &["id"]),
            key("profile_user_fkey", "profiles", "id", "users", &["id"]),
            key("m_a", "members", "user_id", "users", &["user_id", "team_id"]),
            key("m_b", "members", "team_id", "teams", &["user_id", "team_id"]),
            key("boss_fkey", "staff", "boss_id", "staff", &["id"]),
        ];
        let cases = [
            ("orders", "items", None, "one-to-many items items_order_fkey"),
            ("items", "orders", None, "many-to-one orders items_order_fkey"),
            ("users", "orders", None, "PGRST201"),
            ("orders", "users", None, "PGRST201"),
            ("orders", "users", Some("payer_id"), "many-to-one users orders_payer_fkey"),
            ("orders", "user_id", None, "many-to-one users orders_user_fkey"),
            ("orders", "orders_payer_fkey", None, "many-to-one users orders_payer_fkey"),
            ("users", "orders", Some("orders_user_fkey"), "one-to-many orders orders_user_fkey"),
            ("users", "profiles", None, "one-to-one profiles profile_user_fkey"),
            ("users", "teams", None, "many-to-many teams members"),
            ("teams", "users", Some("members"), "many-to-many users members"),
            ("users", "members", None, "one-to-many members m_a"),
            ("staff", "staff", None, "one-to-many staff boss_fkey"),
            ("staff", "boss_id", None, "many-to-one staff boss_fkey"),
            ("users", "nothing", None, "PGRST200"),
        ];
        for (parent, target, hint, expected) in cases {
            assert_eq!(of(&keys, parent, target, hint), expected, "{parent} {target} {hint:?}");
        }
    }
}
