//! Reads: columns, filters, related tables, modifiers.

use serde_json::{Value, json};

use super::{Case, read, users};

pub fn cases() -> Vec<Case> {
    [columns(), comparisons(), collections(), searches_and_logic()].concat()
}

fn columns() -> Vec<Case> {
    let path = |columns: &str, data: Value| {
        Case::on("select", read("users", columns, &[json!(["eq", "id", 1])]), data)
    };
    vec![
        users("from", json!(["lt", "id", 9]), &["ann", "bob", "cy_d"]),
        Case::on("schema", json!([["schema", "public"], ["from", "teams"], ["select", "name"], ["order", "id"]]),
            json!([{"name": "red"}, {"name": "blue"}])),
        Case::on("schema", json!([["schema", "other"], ["from", "notes"], ["select"]]), json!([{"id": 1, "text": "far away"}])).lite_refuses(),
        Case::on("schema", json!([["schema", "nowhere"], ["from", "notes"], ["select"]]), json!(null)).fails("PGRST106", 406),
        path("id, label:name, age::text", json!([{"id": 1, "label": "ann", "age": "30"}])),
        path("city:profile->>city, profile->n->0, profile->deep->>x, profile->deep->y",
            json!([{"city": "Rome", "n": 1, "x": null, "y": 1}])),
        path("*", json!([{"id": 1, "name": "ann", "age": 30, "tags": ["a", "b"], "profile": {"city": "Rome", "n": [1, 2], "deep": {"x": null, "y": 1}},
            "active": true, "joined": "2026-01-01T00:00:00+00:00", "bio": "likes cats"}]))
            .lite(json!([{"id": 1, "name": "ann", "age": 30, "tags": ["a", "b"], "profile": {"city": "Rome", "n": [1, 2], "deep": {"x": null, "y": 1}},
            "active": true, "joined": "2026-01-01T00:00:00.000Z", "bio": "likes cats"}])),
        Case::on("select", json!([["from", "odd name"], ["select", "\"a \\\"b\""]]), json!([{"a \"b": "x"}])).not_in_js(),
        Case::on("select", json!([["from", "users"], ["select", "initial, name"], ["eq", "id", 2]]), json!([{"initial": "b", "name": "bob"}])).lite(json!(null)),
        Case::on("select", json!([["from", "orders"], ["select", "status, total.sum(), n:id.count()"], ["order", "status"]]),
            json!([{"status": "new", "sum": 10.5, "n": 1}, {"status": "paid", "sum": 25, "n": 2}])),
        Case::on("select", json!([["from", "orders"], ["select", "count(), total.avg()::int, total.max()"]]), json!([{"count": 3, "avg": 12, "max": 20}]))
            .lite(json!([{"count": 3, "avg": 11, "max": 20}])),
        Case::on("select", json!([["from", "users"], ["select", "*", {"count": "exact", "head": true}]]), json!(null)).count(3),
        Case::on("select", json!([["from", "users"], ["select", "name", {"count": "exact"}], ["order", "id"], ["range", 1, 1]]), json!([{"name": "bob"}])).count(3).status(206),
        Case::on("select", json!([["from", "users"], ["select", "name", {"count": "estimated"}], ["eq", "id", 2]]), json!([{"name": "bob"}])).count(1),
    ]
}

fn comparisons() -> Vec<Case> {
    vec![
        users("eq", json!(["eq", "name", "bob"]), &["bob"]),
        users("eq", json!(["eq", "age", 30]), &["ann"]),
        users("eq", json!(["eq", "active", true]), &["ann"]),
        users("eq", json!(["eq", "joined", "2026-01-01T00:00:00Z"]), &["ann"]),
        users("eq", json!(["eq", "profile->>city", "Oslo"]), &["bob"]),
        users("eq", json!(["eq", "profile->n->0", 3]), &["bob"]),
        users("neq", json!(["neq", "name", "bob"]), &["ann", "cy_d"]),
        users("gt", json!(["gt", "age", 25]), &["ann"]),
        users("gte", json!(["gte", "age", 25]), &["ann", "bob"]),
        users("lt", json!(["lt", "age", 30]), &["bob"]),
        users("lte", json!(["lte", "age", 30]), &["ann", "bob"]),
        users("like", json!(["like", "name", "%b"]), &["bob"]),
        users("like", json!(["like", "name", "A*"]), &[]),
        users("like", json!(["like", "name", "cy\\_d"]), &["cy_d"]),
        users("ilike", json!(["ilike", "name", "A*"]), &["ann"]),
        users("likeAllOf", json!(["likeAllOf", "bio", ["likes%", "%cats"]]), &["ann", "bob"]),
        users("likeAnyOf", json!(["likeAnyOf", "name", ["a%", "b%"]]), &["ann", "bob"]),
        users("ilikeAllOf", json!(["ilikeAllOf", "bio", ["LIKES%", "%Dogs%"]]), &["bob"]),
        users("ilikeAnyOf", json!(["ilikeAnyOf", "name", ["A%", "X%"]]), &["ann"]),
        users("regexMatch", json!(["regexMatch", "name", "^[ab]"]), &["ann", "bob"]),
        users("regexIMatch", json!(["regexIMatch", "name", "^A"]), &["ann"]),
        users("is", json!(["is", "age", null]), &["cy_d"]),
        users("is", json!(["is", "active", false]), &["bob"]),
        users("isDistinct", json!(["isDistinct", "age", 30]), &["bob", "cy_d"]),
        users("in", json!(["in", "name", ["bob", "cy_d", "bob", "a,(b"]]), &["bob", "cy_d"]),
        users("in", json!(["in", "age", [25, 99]]), &["bob"]),
        users("notIn", json!(["notIn", "id", [1, 3]]), &["bob"]),
    ]
}

fn collections() -> Vec<Case> {
    vec![
        users("contains", json!(["contains", "tags", ["b"]]), &["ann", "bob"]),
        users("contains", json!(["contains", "tags", ["c,d"]]), &["bob"]).not_in_js(),
        users("contains", json!(["contains", "profile", {"city": "Rome"}]), &["ann"]),
        users("contains", json!(["contains", "tags", "{a}"]), &["ann"]),
        users("containedBy", json!(["containedBy", "tags", ["a", "b", "x"]]), &["ann"]),
        users("overlaps", json!(["overlaps", "tags", ["a", "zz"]]), &["ann"]),
        Case::on(
            "rangeGt",
            read("periods", "id", &[json!(["rangeGt", "span", "[6,8)"])]),
            json!([{"id": 3}]),
        )
        .lite_refuses(),
        Case::on(
            "rangeGte",
            read("periods", "id", &[json!(["rangeGte", "span", "[5,9)"])]),
            json!([{"id": 2}, {"id": 3}]),
        )
        .lite_refuses(),
        Case::on(
            "rangeLt",
            read("periods", "id", &[json!(["rangeLt", "span", "[6,8)"])]),
            json!([{"id": 1}]),
        )
        .lite_refuses(),
        Case::on(
            "rangeLte",
            read("periods", "id", &[json!(["rangeLte", "span", "[2,9)"])]),
            json!([{"id": 1}, {"id": 2}]),
        )
        .lite_refuses(),
        Case::on(
            "rangeAdjacent",
            read("periods", "id", &[json!(["rangeAdjacent", "span", "[9,20)"])]),
            json!([{"id": 2}, {"id": 3}]),
        )
        .lite_refuses(),
    ]
}

fn searches_and_logic() -> Vec<Case> {
    vec![
        users("textSearch", json!(["textSearch", "bio", "dogs & cats"]), &["bob"]).lite_refuses(),
        users(
            "textSearch",
            json!(["textSearch", "bio", "dog cat", {"type": "plain", "config": "english"}]),
            &["bob"],
        )
        .lite_refuses(),
        users(
            "textSearch",
            json!(["textSearch", "bio", "likes cats", {"type": "phrase"}]),
            &["ann"],
        )
        .lite_refuses(),
        users(
            "textSearch",
            json!(["textSearch", "bio", "cats -dogs", {"type": "websearch"}]),
            &["ann"],
        )
        .lite_refuses(),
        users("match", json!(["match", {"name": "ann", "age": 30}]), &["ann"]),
        users("not", json!(["not", "age", "is", null]), &["ann", "bob"]),
        users("not", json!(["not", "name", "in", "(ann,\"bob\")"]), &["cy_d"]),
        users("or", json!(["or", "age.gt.28,name.eq.cy_d"]), &["ann", "cy_d"]),
        users(
            "or",
            json!([
                "or",
                "and(age.gte.20,age.lt.30),not.and(age.not.is.null,name.in.(bob,ann)),tags.cs.{zz}"
            ]),
            &["bob", "cy_d"],
        ),
        users("or", json!(["or", "name.eq.\"a,b)\",profile->>city.eq.Rome"]), &["ann"]),
        users("filter", json!(["filter", "name", "in", "(ann,cy_d)"]), &["ann", "cy_d"]),
        users("filter", json!(["filter", "age", "not.gte", 30]), &["bob"]),
        users("filter", json!(["filter", "name", "like(any)", "{a*,b*}"]), &["ann", "bob"]),
    ]
}

pub fn modifiers() -> Vec<Case> {
    let names = |names: &[&str]| names.iter().map(|n| json!({ "name": n })).collect::<Value>();
    let sorted = |more: Value| {
        let mut links = vec![json!(["from", "users"]), json!(["select", "name"])];
        links.extend(more.as_array().unwrap().iter().cloned());
        Value::Array(links)
    };
    vec![
        Case::on("order", sorted(json!([["order", "age"]])), names(&["bob", "ann", "cy_d"])),
        Case::on("order", sorted(json!([["order", "age", {"nullsFirst": true}]])), names(&["cy_d", "bob", "ann"])),
        Case::on("order", sorted(json!([["order", "age", {"ascending": false}]])), names(&["cy_d", "ann", "bob"])),
        Case::on("order", sorted(json!([["order", "age", {"ascending": false, "nullsFirst": false}]])), names(&["ann", "bob", "cy_d"])),
        Case::on("order", sorted(json!([["order", "profile->>city"], ["order", "id"]])), names(&["bob", "ann", "cy_d"])),
        Case::on("limit", sorted(json!([["order", "id"], ["limit", 2]])), names(&["ann", "bob"])),
        Case::on("range", sorted(json!([["order", "id"], ["range", 1, 9]])), names(&["bob", "cy_d"])),
        Case::on("range", json!([["from", "users"], ["select", "name", {"count": "exact"}], ["range", 8, 9]]), json!(null)).fails("PGRST103", 416),
        Case::on("single", json!([["from", "users"], ["select", "name"], ["eq", "id", 2], ["single"]]), json!({"name": "bob"})),
        Case::on("single", json!([["from", "users"], ["select", "name"], ["single"]]), json!(null)).fails("PGRST116", 406),
        Case::on("maybeSingle", json!([["from", "users"], ["select", "name"], ["eq", "id", 9], ["maybeSingle"]]), json!(null)),
        Case::on("maybeSingle", json!([["from", "users"], ["select", "name"], ["maybeSingle"]]), json!(null)).fails("PGRST116", 406),
        Case::on("csv", json!([["from", "users"], ["select", "id,name,age,bio"], ["order", "id"], ["csv"]]),
            json!("id,name,age,bio\n1,ann,30,\"likes cats\"\n2,bob,25,\"likes dogs and cats\"\n3,cy_d,,")),
        Case::on("geojson", json!([["from", "users"], ["select"], ["geojson"]]), json!(null)).fails("PGRST107", 406),
        Case::on("explain", json!([["from", "users"], ["select"], ["explain", {"format": "json", "analyze": true}]]), json!("plan")).lite_refuses(),
        Case::on("stripNulls", json!([["from", "users"], ["select", "id,age,passports(number)"], ["eq", "id", 3], ["stripNulls"]]), json!([{"id": 3}])),
        Case::on("setHeader", json!([["from", "users"], ["select", "name"], ["eq", "id", 1], ["setHeader", "x-mine", "1"]]), names(&["ann"])),
        Case::on("retry", json!([["from", "users"], ["select", "name"], ["eq", "id", 1], ["retry", false]]), names(&["ann"])),
        Case::on("returns", json!([["from", "users"], ["select", "name"], ["eq", "id", 1], ["returns"]]), names(&["ann"])),
        Case::on("overrideTypes", json!([["from", "users"], ["select", "name"], ["eq", "id", 1], ["overrideTypes"]]), names(&["ann"])),
        Case::on("abortSignal", json!([["from", "users"], ["select", "name"], ["eq", "id", 1], ["abortSignal"]]), names(&["ann"])),
        Case::on("throwOnError", json!([["from", "users"], ["select", "name"], ["eq", "id", 1], ["throwOnError"]]), names(&["ann"])),
    ]
}
