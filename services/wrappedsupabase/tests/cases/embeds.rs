//! Reads with related tables.

use serde_json::{Value, json};

use super::{Case, read};

pub fn cases() -> Vec<Case> {
    [of_users(), with_or_without(), of_others(), modified()].concat()
}

/// Users and what belongs to them.
fn users_with(columns: &str, more: &[Value], data: Value) -> Case {
    Case::on("select", read("users", columns, more), data)
}

fn of_users() -> Vec<Case> {
    let one = json!(["eq", "id", 1]);
    vec![
        users_with(
            "name, orders!orders_user_id_fkey(id, items(label, qty))",
            std::slice::from_ref(&one),
            json!([{"name": "ann", "orders": [
            {"id": 1, "items": [{"label": "pen", "qty": 2}, {"label": "ink", "qty": 1}]},
            {"id": 2, "items": [{"label": "cap", "qty": 5}]}]}]),
        ),
        users_with(
            "name, orders!user_id(count)",
            &[],
            json!([{"name": "ann", "orders": [{"count": 2}]},
            {"name": "bob", "orders": [{"count": 1}]}, {"name": "cy_d", "orders": [{"count": 0}]}]),
        ),
        users_with(
            "name, passports(number)",
            &[],
            json!([{"name": "ann", "passports": {"number": "X1"}},
            {"name": "bob", "passports": null}, {"name": "cy_d", "passports": null}]),
        ),
        users_with(
            "name, teams(name)",
            std::slice::from_ref(&one),
            json!([{"name": "ann", "teams": [{"name": "red"}, {"name": "blue"}]}]),
        ),
        users_with(
            "name, bought:orders!payer_id!inner(id)",
            &[json!(["eq", "bought.status", "new"])],
            json!([{"name": "ann", "bought": [{"id": 1}]}]),
        ),
        users_with(
            "name, ...passports(passport:number)",
            &[json!(["lt", "id", 3])],
            json!([{"name": "ann", "passport": "X1"}, {"name": "bob", "passport": null}]),
        ),
        users_with(
            "name, ...orders!user_id(status, totals:total)",
            &[json!(["lt", "id", 3]), json!(["order", "id", {"referencedTable": "orders"}])],
            json!([{"name": "ann", "status": ["new", "paid"], "totals": [10.5, 20]}, {"name": "bob", "status": ["paid"], "totals": [5]}]),
        ),
    ]
}

fn with_or_without() -> Vec<Case> {
    vec![
        users_with(
            "name, teams()",
            &[json!(["not", "teams", "is", null])],
            json!([{"name": "ann"}, {"name": "bob"}]),
        ),
        users_with(
            "name, passports(number)",
            &[json!(["is", "passports", null])],
            json!([{"name": "bob", "passports": null}, {"name": "cy_d", "passports": null}]),
        ),
        users_with(
            "name, bills(total)",
            &[json!(["eq", "id", 2])],
            json!([{"name": "bob", "bills": [{"total": 5}]}]),
        )
        .only_postgres(),
        Case::on(
            "select",
            read("bills", "total, users(name), people(id)", &[json!(["eq", "id", 2])]),
            json!([{"total": 20, "users": {"name": "ann"}, "people": {"id": 1}}]),
        )
        .only_postgres(),
        users_with("orders(*)", &[], json!(null)).fails("PGRST201", 300),
        users_with("nothing(*)", &[], json!(null)).fails("PGRST200", 400),
    ]
}

fn of_others() -> Vec<Case> {
    vec![
        Case::on(
            "select",
            read(
                "orders",
                "id, payer:payer_id(name), buyer:users!orders_user_id_fkey(name)",
                &[json!(["eq", "id", 2])],
            ),
            json!([{"id": 2, "payer": {"name": "bob"}, "buyer": {"name": "ann"}}]),
        ),
        Case::on(
            "select",
            read("staff", "name, boss:boss_id(name), staff(name)", &[json!(["eq", "id", 2])]),
            json!([{"name": "mid", "boss": {"name": "top"}, "staff": [{"name": "low"}]}]),
        ),
        Case::on(
            "select",
            read(
                "items",
                "label, orders!inner(status, users!orders_user_id_fkey!inner(name))",
                &[json!(["eq", "orders.users.name", "ann"]), json!(["eq", "orders.status", "new"])],
            ),
            json!([{"label": "pen", "orders": {"status": "new", "users": {"name": "ann"}}}, {"label": "ink", "orders": {"status": "new", "users": {"name": "ann"}}}]),
        ),
        Case::on(
            "order",
            json!([["from", "orders"], ["select", "id, payer:payer_id(name)"], ["order", "payer(name)", {"ascending": false}], ["order", "id"]]),
            json!([{"id": 2, "payer": {"name": "bob"}}, {"id": 3, "payer": {"name": "bob"}}, {"id": 1, "payer": {"name": "ann"}}]),
        ),
        Case::on(
            "select",
            json!([
                ["from", "orders"],
                ["select", "payer:payer_id(name), total.sum()"],
                ["order", "payer_id"]
            ]),
            json!([{"payer": {"name": "ann"}, "sum": 10.5}, {"payer": {"name": "bob"}, "sum": 25}]),
        ),
    ]
}

fn modified() -> Vec<Case> {
    let one = json!(["eq", "id", 1]);
    vec![
        users_with(
            "name, orders!user_id(id)",
            &[
                one.clone(),
                json!(["or", "status.eq.paid,total.gt.100", {"referencedTable": "orders"}]),
            ],
            json!([{"name": "ann", "orders": [{"id": 2}]}]),
        ),
        users_with(
            "name, orders!user_id(id)",
            &[
                one.clone(),
                json!(["limit", 1, {"referencedTable": "orders"}]),
                json!(["order", "id", {"referencedTable": "orders", "ascending": false}]),
            ],
            json!([{"name": "ann", "orders": [{"id": 2}]}]),
        ),
        users_with(
            "name, orders!user_id(id)",
            &[
                one,
                json!(["range", 1, 5, {"foreignTable": "orders"}]),
                json!(["order", "id", {"foreignTable": "orders"}]),
            ],
            json!([{"name": "ann", "orders": [{"id": 2}]}]),
        ),
    ]
}
