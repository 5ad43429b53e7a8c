use serde_json::json;

use super::*;

fn truth() -> Truth {
    serde_json::from_value(json!({
        "summary": { "totalDomains": 1, "totalUsers": 2, "totalMessagesFound": 2, "searchQuery": "x" },
        "domains": [{ "domain": "a.ex", "userCount": 2, "totalMessages": 2, "users": [
            { "email": "ann@a.ex", "name": "Ann", "messageCount": 2, "messageIds": ["m2", "m1"] },
            { "email": "bo@a.ex", "name": "Bo", "messageCount": 0, "messageIds": [], "error": "failedPrecondition" },
        ] }],
        "hostCalls": 6,
    }))
    .unwrap()
}

fn result() -> Value {
    json!({
        "summary": { "totalDomains": 1, "totalUsers": 2, "totalMessagesFound": 2, "searchQuery": "x", "failedUsers": 1 },
        "domainResults": [{ "domain": "a.ex", "userCount": 2, "totalMessages": 2, "users": [
            { "email": "ann@a.ex", "messageCount": 2, "messages": [{ "id": "m2" }, { "id": "m1" }] },
            { "email": "bo@a.ex", "messageCount": 0, "messages": [],
              "error": { "message": "no", "status": 400, "reason": "failedPrecondition" } },
        ] }],
        "executionInfo": { "totalApiCalls": 6 },
    })
}

fn wrong(result: &Value, calls: u64) -> Vec<String> {
    checks(&truth(), result, Some(calls)).into_iter().flat_map(|check| check.differences).collect()
}

#[test]
fn the_right_result_passes_every_check() {
    assert_eq!(wrong(&result(), 6), Vec::<String>::new());
}

#[test]
fn a_swapped_order_is_seen() {
    let mut result = result();
    result["domainResults"][0]["users"][0]["messages"] = json!([{ "id": "m1" }, { "id": "m2" }]);
    assert_eq!(wrong(&result, 6), ["ann@a.ex: message 1: expected m2, found m1"]);
}

#[test]
fn a_message_too_many_or_too_few_is_seen() {
    let mut result = result();
    result["domainResults"][0]["users"][0]["messages"] = json!([{ "id": "m2" }]);
    assert_eq!(wrong(&result, 6), ["ann@a.ex: message 2: expected m1, found nothing"]);
    result["domainResults"][0]["users"][0]["messages"] =
        json!([{ "id": "m2" }, { "id": "m1" }, { "id": "m0" }]);
    assert_eq!(wrong(&result, 6), ["ann@a.ex: message 3: expected nothing, found m0"]);
}

#[test]
fn both_counts_of_calls_must_agree() {
    assert_eq!(wrong(&result(), 7), ["host calls, as the run counts: expected 6, found 7"]);
    let mut result = result();
    result["executionInfo"]["totalApiCalls"] = json!(5);
    assert_eq!(wrong(&result, 6), ["host calls, as the task counts: expected 6, found 5"]);
}

#[test]
fn a_mailbox_wrongly_reached_or_missed_is_seen() {
    let mut result = result();
    result["domainResults"][0]["users"][1]["error"] = Value::Null;
    assert_eq!(wrong(&result, 6), ["bo@a.ex: expected error failedPrecondition, found none"]);
}

#[test]
fn an_empty_result_fails_every_check_that_expects_something() {
    let failed = checks(&truth(), &Value::Null, None).iter().filter(|check| !check.holds()).count();
    assert_eq!(failed, 10);
}
