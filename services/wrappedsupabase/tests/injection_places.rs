//! Where a text of an attacker could stand in a query.

use serde_json::{Value, json};

/// A place of an argument: its name, a harmless text for it, and the chain with a text in it.
pub type Place = (&'static str, &'static str, fn(&str) -> Value);

/// Every place of an argument.
pub fn places() -> Vec<Place> {
    [selected(), compared(), listed(), searched(), grouped(), written(), called()].concat()
}

/// Tables, columns and related tables.
fn selected() -> Vec<Place> {
    vec![
        ("from", "users", |s| json!([["from", s], ["select"]])),
        ("schema", "public", |s| json!([["schema", s], ["from", "users"], ["select"]])),
        ("select column", "name", |s| json!([["from", "users"], ["select", s]])),
        ("select quoted", "name", |s| json!([["from", "users"], ["select", format!("\"{s}\"")]])),
        ("select alias", "x", |s| json!([["from", "users"], ["select", format!("{s}:name")]])),
        ("select quoted alias", "x", |s| {
            json!([
                ["from", "users"],
                ["select", format!("\"{}\":name", s.replace(['"', '\\'], ""))]
            ])
        }),
        ("select cast", "text", |s| json!([["from", "users"], ["select", format!("name::{s}")]])),
        ("select path", "city", |s| {
            json!([["from", "users"], ["select", format!("x:profile->{s}")]])
        }),
        ("select text path", "city", |s| {
            json!([
                ["from", "users"],
                ["select", format!("x:profile->>\"{}\"", s.replace(['"', '\\'], ""))]
            ])
        }),
        ("embed", "teams", |s| json!([["from", "users"], ["select", format!("{s}(name)")]])),
        ("embed hint", "members", |s| {
            json!([["from", "users"], ["select", format!("teams!{s}(name)")]])
        }),
        ("embed column", "name", |s| json!([["from", "users"], ["select", format!("teams({s})")]])),
        ("embed alias", "x", |s| {
            json!([
                ["from", "users"],
                ["select", format!("\"{}\":teams(name)", s.replace(['"', '\\'], ""))]
            ])
        }),
        ("count", "exact", |s| json!([["from", "users"], ["select", "*", {"count": s}]])),
    ]
}

/// Values that a column is compared with.
fn compared() -> Vec<Place> {
    vec![
        ("eq column", "name", |s| json!([["from", "users"], ["select"], ["eq", s, "x"]])),
        ("eq", "x", |s| json!([["from", "users"], ["select"], ["eq", "name", s]])),
        ("eq number", "1", |s| json!([["from", "users"], ["select"], ["eq", "age", s]])),
        ("neq", "x", |s| json!([["from", "users"], ["select"], ["neq", "name", s]])),
        ("gt", "x", |s| json!([["from", "users"], ["select"], ["gt", "name", s]])),
        ("gte", "x", |s| json!([["from", "users"], ["select"], ["gte", "name", s]])),
        ("lt", "x", |s| json!([["from", "users"], ["select"], ["lt", "name", s]])),
        ("lte", "x", |s| json!([["from", "users"], ["select"], ["lte", "name", s]])),
        ("like", "x", |s| json!([["from", "users"], ["select"], ["like", "name", s]])),
        ("ilike", "x", |s| json!([["from", "users"], ["select"], ["ilike", "name", s]])),
        ("likeAllOf", "x", |s| {
            json!([["from", "users"], ["select"], ["likeAllOf", "name", [s, "y"]]])
        }),
        ("likeAnyOf", "x", |s| json!([["from", "users"], ["select"], ["likeAnyOf", "name", [s]]])),
        ("ilikeAllOf", "x", |s| {
            json!([["from", "users"], ["select"], ["ilikeAllOf", "name", [s]]])
        }),
        ("ilikeAnyOf", "x", |s| {
            json!([["from", "users"], ["select"], ["ilikeAnyOf", "name", [s]]])
        }),
        ("regexMatch", "x", |s| json!([["from", "users"], ["select"], ["regexMatch", "name", s]])),
        ("regexIMatch", "x", |s| {
            json!([["from", "users"], ["select"], ["regexIMatch", "name", s]])
        }),
    ]
}

/// Lists, documents and ranges.
fn listed() -> Vec<Place> {
    vec![
        ("is", "null", |s| json!([["from", "users"], ["select"], ["is", "name", s]])),
        ("isDistinct", "x", |s| json!([["from", "users"], ["select"], ["isDistinct", "name", s]])),
        ("in", "x", |s| json!([["from", "users"], ["select"], ["in", "name", [s, "y"]]])),
        ("notIn", "x", |s| json!([["from", "users"], ["select"], ["notIn", "name", [s]]])),
        ("contains", "x", |s| json!([["from", "users"], ["select"], ["contains", "tags", [s]]])),
        ("contains text", "{x}", |s| {
            json!([["from", "users"], ["select"], ["contains", "tags", s]])
        }),
        (
            "contains object",
            "x",
            |s| json!([["from", "users"], ["select"], ["contains", "profile", {"city": s}]]),
        ),
        ("containedBy", "x", |s| {
            json!([["from", "users"], ["select"], ["containedBy", "tags", [s]]])
        }),
        ("overlaps", "x", |s| json!([["from", "users"], ["select"], ["overlaps", "tags", [s]]])),
        ("rangeGt", "[1,2)", |s| json!([["from", "periods"], ["select"], ["rangeGt", "span", s]])),
        ("rangeGte", "[1,2)", |s| {
            json!([["from", "periods"], ["select"], ["rangeGte", "span", s]])
        }),
        ("rangeLt", "[1,2)", |s| json!([["from", "periods"], ["select"], ["rangeLt", "span", s]])),
        ("rangeLte", "[1,2)", |s| {
            json!([["from", "periods"], ["select"], ["rangeLte", "span", s]])
        }),
        ("rangeAdjacent", "[1,2)", |s| {
            json!([["from", "periods"], ["select"], ["rangeAdjacent", "span", s]])
        }),
    ]
}

/// Searches, and filters that name their operator.
fn searched() -> Vec<Place> {
    vec![
        ("textSearch", "x", |s| json!([["from", "users"], ["select"], ["textSearch", "bio", s]])),
        (
            "textSearch config",
            "english",
            |s| json!([["from", "users"], ["select"], ["textSearch", "bio", "x", {"config": s}]]),
        ),
        (
            "textSearch type",
            "plain",
            |s| json!([["from", "users"], ["select"], ["textSearch", "bio", "x", {"type": s}]]),
        ),
        ("match column", "name", |s| json!([["from", "users"], ["select"], ["match", {s: "x"}]])),
        ("match", "x", |s| json!([["from", "users"], ["select"], ["match", {"name": s}]])),
        ("not operator", "eq", |s| json!([["from", "users"], ["select"], ["not", "name", s, "x"]])),
        ("not", "x", |s| json!([["from", "users"], ["select"], ["not", "name", "eq", s]])),
        ("filter operator", "eq", |s| {
            json!([["from", "users"], ["select"], ["filter", "name", s, "x"]])
        }),
        ("filter", "(x)", |s| json!([["from", "users"], ["select"], ["filter", "name", "in", s]])),
    ]
}

/// Filters in text, and the order of rows.
fn grouped() -> Vec<Place> {
    vec![
        ("or column", "name", |s| {
            json!([["from", "users"], ["select"], ["or", format!("{s}.eq.x")]])
        }),
        ("or quoted", "x", |s| {
            json!([
                ["from", "users"],
                ["select"],
                ["or", format!("name.eq.\"{}\"", s.replace('\\', "\\\\").replace('"', "\\\""))]
            ])
        }),
        (
            "or table",
            "teams",
            |s| json!([["from", "users"], ["select", "*, teams(name)"], ["or", "name.eq.x", {"referencedTable": s}]]),
        ),
        ("order", "name", |s| json!([["from", "users"], ["select"], ["order", s]])),
        (
            "order table",
            "teams",
            |s| json!([["from", "users"], ["select", "*, teams(name)"], ["order", "name", {"referencedTable": s}]]),
        ),
        (
            "limit table",
            "teams",
            |s| json!([["from", "users"], ["select", "*, teams(name)"], ["limit", 1, {"referencedTable": s}]]),
        ),
        (
            "range table",
            "teams",
            |s| json!([["from", "users"], ["select", "*, teams(name)"], ["range", 1, 2, {"foreignTable": s}]]),
        ),
    ]
}

/// Rows that are written.
fn written() -> Vec<Place> {
    vec![
        (
            "insert column",
            "name",
            |s| json!([["from", "users"], ["insert", {s: "x"}], ["rollback"]]),
        ),
        ("insert", "x", |s| json!([["from", "users"], ["insert", {"name": s}], ["rollback"]])),
        (
            "insert many",
            "x",
            |s| json!([["from", "users"], ["insert", [{"name": s, "bio": s}]], ["select", "name"], ["rollback"]]),
        ),
        (
            "insert array",
            "x",
            |s| json!([["from", "users"], ["insert", {"name": "q", "tags": [s], "profile": {s: [s]}}], ["rollback"]]),
        ),
        (
            "update column",
            "bio",
            |s| json!([["from", "users"], ["update", {s: "x"}], ["eq", "id", 1], ["rollback"]]),
        ),
        (
            "update",
            "x",
            |s| json!([["from", "users"], ["update", {"bio": s}], ["eq", "id", 1], ["rollback"]]),
        ),
        (
            "update returning",
            "name",
            |s| json!([["from", "users"], ["update", {"bio": "x"}], ["eq", "id", 1], ["select", s], ["rollback"]]),
        ),
        (
            "upsert conflict",
            "name",
            |s| json!([["from", "users"], ["upsert", {"name": "ann"}, {"onConflict": s}], ["rollback"]]),
        ),
        (
            "upsert",
            "x",
            |s| json!([["from", "users"], ["upsert", {"name": s}, {"onConflict": "name"}], ["rollback"]]),
        ),
        ("delete", "x", |s| {
            json!([["from", "users"], ["delete"], ["eq", "name", s], ["rollback"]])
        }),
    ]
}

/// Functions, and what is said about a request.
fn called() -> Vec<Place> {
    vec![
        ("rpc", "add", |s| json!([["rpc", s, {"a": 1}]])),
        ("rpc argument", "a", |s| json!([["rpc", "add", {s: 1}]])),
        ("rpc value", "1", |s| json!([["rpc", "add", {"a": s}]])),
        ("rpc array", "1", |s| json!([["rpc", "sum_all", {"numbers": [s]}, {"get": true}]])),
        ("rpc filter", "x", |s| json!([["rpc", "grown", {"min_age": 1}], ["eq", "name", s]])),
        (
            "explain format",
            "text",
            |s| json!([["from", "users"], ["select"], ["explain", {"format": s}]]),
        ),
        ("setHeader", "x-a", |s| json!([["from", "users"], ["select"], ["setHeader", s, s]])),
    ]
}
