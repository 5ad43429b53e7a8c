//! Changes, each undone at its end, and functions.

use serde_json::{Value, json};

use super::Case;

/// The links of a change, then `rollback()`.
fn undone(links: Value) -> Value {
    let mut links = links.as_array().unwrap().clone();
    links.push(json!(["rollback"]));
    Value::Array(links)
}

fn case(method: &'static str, links: Value, status: u16, data: Value) -> Case {
    Case::on(method, undone(links), data).status(status)
}

pub fn cases() -> Vec<Case> {
    let users = json!(["from", "users"]);
    let select = json!(["select", "name,age"]);
    vec![
        case("insert", json!([users, ["insert", {"name": "eve"}]]), 201, json!(null)),
        case("insert", json!([users, ["insert", [{"name": "eve", "age": 1}, {"name": "fay"}]], select]), 201,
            json!([{"name": "eve", "age": 1}, {"name": "fay", "age": null}])),
        case("insert", json!([["from", "items"], ["insert", [{"label": "a", "qty": 7}, {"label": "b"}], {"defaultToNull": false}], ["select", "label,qty"]]), 201,
            json!([{"label": "a", "qty": 7}, {"label": "b", "qty": 1}])),
        case("insert", json!([["from", "items"], ["insert", [{"label": "a", "qty": 7}, {"label": "b"}]]]), 400, json!(null)).fails("23502", 400),
        case("insert", json!([users, ["insert", {"name": "eve", "tags": ["x,y", "z"], "profile": {"a": [1]}, "active": false}], ["select", "tags,profile,active"], ["single"]]), 201,
            json!({"tags": ["x,y", "z"], "profile": {"a": [1]}, "active": false})),
        case("insert", json!([["from", "orders"], ["insert", {"user_id": 1, "total": 3}, {"count": "exact"}], ["select", "total,users!user_id(name)"]]), 201,
            json!([{"total": 3, "users": {"name": "ann"}}])).count(1),
        case("insert", json!([users, ["insert", {"name": "ann"}]]), 409, json!(null)).fails("23505", 409),
        case("insert", json!([["from", "orders"], ["insert", {"user_id": 99}]]), 409, json!(null)).fails("23503", 409),
        case("insert", json!([["from", "odd name"], ["insert", {"a \"b": "y"}], ["select", "\"a \\\"b\""], ["maxAffected", 1]]), 201, json!([{"a \"b": "y"}])).not_in_js(),
        case("upsert", json!([users, ["upsert", [{"id": 1, "name": "ann2", "age": 31}, {"id": 8, "name": "gus", "age": 2}]], select]), 201,
            json!([{"name": "ann2", "age": 31}, {"name": "gus", "age": 2}])),
        case("upsert", json!([users, ["upsert", {"name": "bob", "age": 26}, {"onConflict": "name", "count": "exact"}], select]), 201, json!([{"name": "bob", "age": 26}])).count(1),
        case("upsert", json!([users, ["upsert", [{"name": "bob", "age": 99}, {"name": "hal", "age": 3}], {"onConflict": "name", "ignoreDuplicates": true}], select]), 201,
            json!([{"name": "hal", "age": 3}])),
        case("upsert", json!([["from", "members"], ["upsert", {"user_id": 1, "team_id": 1}], ["select"]]), 201, json!([{"user_id": 1, "team_id": 1}])),
        case("update", json!([users, ["update", {"age": 50}], ["eq", "id", 1]]), 204, json!(null)),
        case("update", json!([users, ["update", {"age": 50, "profile": null}, {"count": "exact"}], ["in", "id", [1, 2]], ["select", "name,age,profile"], ["order", "id", {"ascending": false}]]), 200,
            json!([{"name": "bob", "age": 50, "profile": null}, {"name": "ann", "age": 50, "profile": null}])).count(2),
        case("update", json!([users, ["update", {"age": 50}], ["or", "name.eq.ann,age.is.null"], ["select", "name,orders!user_id(id)"], ["order", "id"], ["limit", 1]]), 200,
            json!([{"name": "ann", "orders": [{"id": 1}, {"id": 2}]}])),
        case("update", json!([users, ["update", {"age": 50}], ["gt", "id", 0], ["select"], ["single"]]), 406, json!(null)).fails("PGRST116", 406),
        case("update", json!([users, ["update", {}], ["eq", "id", 1], ["select", "name"]]), 200, json!([])),
        case("delete", json!([["from", "items"], ["delete"], ["eq", "id", 1]]), 204, json!(null)),
        case("delete", json!([["from", "items"], ["delete", {"count": "exact"}], ["gt", "qty", 1], ["select", "label,orders(status)"], ["order", "label"]]), 200,
            json!([{"label": "cap", "orders": {"status": "paid"}}, {"label": "pen", "orders": {"status": "new"}}])).count(2),
        case("delete", json!([users, ["delete"], ["eq", "id", 1]]), 409, json!(null)).fails("23503", 409),
        case("maxAffected", json!([["from", "items"], ["delete"], ["gt", "id", 0], ["maxAffected", 2]]), 400, json!(null)).fails("PGRST124", 400),
        case("maxAffected", json!([["from", "items"], ["delete"], ["gt", "id", 0], ["maxAffected", 3]]), 204, json!(null)),
        case("rollback", json!([["from", "items"], ["delete"], ["gt", "id", 0], ["select", "id"], ["order", "id"]]), 200, json!([{"id": 1}, {"id": 2}, {"id": 3}])),
        // Nothing of the above was kept.
        Case::on("rollback", json!([["from", "items"], ["select", "id"], ["order", "id"]]), json!([{"id": 1}, {"id": 2}, {"id": 3}])),
    ]
}

pub fn functions() -> Vec<Case> {
    let rpc = |links: Value, data: Value| Case::on("rpc", links, data).lite_refuses();
    vec![
        rpc(json!([["rpc", "add", {"a": 1}]]), json!(11)),
        rpc(json!([["rpc", "add", {"a": 1, "b": 2}, {"get": true}]]), json!(3)),
        rpc(json!([["rpc", "sum_all", {"numbers": [1, 2, 3]}, {"get": true}]]), json!(6)),
        rpc(json!([["rpc", "grown", {"min_age": 20}], ["select", "name, orders!user_id(id)"], ["gt", "age", 26], ["limit", 1]]), json!([{"name": "ann", "orders": [{"id": 1}, {"id": 2}]}])),
        rpc(json!([["rpc", "grown", {"min_age": 20}, {"count": "exact"}], ["select", "name"], ["order", "id"]]), json!([{"name": "ann"}, {"name": "bob"}])).count(2),
        rpc(json!([["rpc", "grown", {"min_age": 20}, {"count": "exact", "head": true}]]), json!(null)).count(2),
        rpc(json!([["rpc", "grown", {"min_age": 26}], ["select", "name"], ["single"]]), json!({"name": "ann"})),
        rpc(json!([["rpc", "oldest"], ["select", "name"]]), json!({"name": "ann"})),
        rpc(json!([["rpc", "pairs"], ["gt", "v", 1]]), json!([{"k": "bb", "v": 2}])),
        rpc(json!([["rpc", "names"]]), json!(["ann", "bob", "cy_d"])),
        rpc(json!([["rpc", "nothing"]]), json!(null)).status(204),
        rpc(json!([["rpc", "echo", {"deep": {"a": [1]}}]]), json!({"deep": {"a": [1]}})),
        rpc(json!([["rpc", "add", {"c": 1}]]), json!(null)).fails("PGRST202", 404),
        rpc(json!([["rpc", "missing"]]), json!(null)).fails("PGRST202", 404),
        rpc(json!([["rpc", "fails"]]), json!(null)).fails("P0001", 400),
        rpc(json!([["rpc", "touch", {}, {"get": true}]]), json!(null)).fails("25006", 405),
        rpc(json!([["rpc", "touch"], ["maxAffected", 1]]), json!(null)).fails("PGRST124", 400),
        rpc(json!([["rpc", "touch"], ["order", "id"], ["rollback"]]), json!([{"id": 1, "name": "red!"}, {"id": 2, "name": "blue!"}])),
    ]
}
