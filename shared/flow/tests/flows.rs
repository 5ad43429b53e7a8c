//! Flows that are good, and what is said about those that are not.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use serde_json::{Value, json};
use tasker_flow::Flow;

const ORDER: &str = include_str!("../../../taskcode/flows/order.json");

fn flow() -> Value {
    serde_json::from_str(ORDER).unwrap()
}

/// What is wrong with the flow after `change`.
fn problems(change: impl FnOnce(&mut Value)) -> String {
    let mut value = flow();
    change(&mut value);
    Flow::read(value).map(|_| String::new()).unwrap_or_else(|p| p.to_string())
}

#[test]
fn a_good_flow_is_read_and_found_again_in_its_task() {
    let flow = Flow::parse(ORDER).unwrap();
    assert_eq!((flow.id.as_str(), flow.root.states.len()), ("order", 7));
    let code = flow.task_code();
    assert!(code.starts_with("/** Charges an order"), "{code}");
    let again = Flow::of_task(&code).unwrap();
    assert_eq!(again.source, flow.source);
    assert!(Flow::of_task("module.exports = 1").is_none());
}

/// The flow after `change` is told `expected`.
fn says(change: fn(&mut Value), expected: &str) {
    let found = problems(change);
    assert!(found.contains(expected), "expected {expected}\nfound {found}");
}

#[test]
fn mistakes_in_transitions_have_their_place() {
    says(|f| f["id"] = json!("a/b"), "id: a flow needs an id");
    says(
        |f| f["initial"] = json!("chek"),
        "initial: there is no state 'chek' here; there are check, review",
    );
    says(
        |f| f["states"]["wait"]["after"]["30s"] = json!("chrage"),
        "states.wait.after.30s: there is no state 'chrage'; beside this one there are check",
    );
    says(
        |f| f["states"]["wait"]["after"] = json!({"soon": "charge"}),
        "states.wait.after.soon: a delay is milliseconds",
    );
    says(
        |f| f["states"]["charge"]["invoke"]["onDone"]["assign"]["receipt"] = json!("$.output.x"),
        "states.charge.invoke.onDone.assign.receipt: '$.output.x' must be $.input, $.context or $.event",
    );
    says(
        |f| f["states"]["charge"]["invoke"]["onError"][0]["guard"] = json!("tooOften"),
        "states.charge.invoke.onError[0].guard: a guard is an expression",
    );
    says(
        |f| f["states"]["charge"]["invoke"]["onError"][0]["guard"] = json!({"$less": [1, 2]}),
        "there is no operator $less",
    );
}

#[test]
fn mistakes_in_what_a_state_does_have_their_place() {
    says(
        |f| f["states"]["charge"]["invok"] = json!({}),
        "states.charge.invok: a state has no 'invok'",
    );
    says(
        |f| f["states"]["charge"]["on"] = json!({}),
        "states.charge.on: nothing sends events to a flow",
    );
    says(
        |f| f["states"]["charge"]["invoke"]["src"] = json!({"service": "gapi"}),
        "states.charge.invoke.src: src is the name of a task",
    );
    says(
        |f| f["states"]["lost"] = json!({"after": {"1": "charge"}}),
        "states.lost.type: no transition leads to this state",
    );
}

#[test]
fn mistakes_in_how_states_end_have_their_place() {
    says(|f| f["states"]["wait"] = json!({}), "states.wait.type: nothing leads out of this state");
    says(
        |f| f["states"]["shipped"]["after"] = json!({"1": "charge"}),
        "states.shipped.type: a final state ends",
    );
    says(
        |f| f["states"]["fulfil"]["initial"] = json!("pack"),
        "states.fulfil.initial: all states of a parallel state are entered",
    );
    says(
        |f| {
            f["states"]["fulfil"].as_object_mut().unwrap().remove("onDone");
        },
        "states.fulfil.onDone: its states can come to an end",
    );
    says(
        |f| {
            f["states"]["fulfil"]["states"]["pack"]["states"]["pick"]["invoke"]["onDone"] =
                json!("#order.fulfil.announce.told")
        },
        "is in another part of the parallel state 'fulfil'",
    );
    says(|f| f["context"] = json!([]), "context: context must be an object");
    says(
        |f| f["states"]["check"]["entry"] = json!("doSomething"),
        "states.check.entry[0]: an action is",
    );
    says(|f| f["states"] = json!({}), "states: a flow needs states");
}

#[test]
fn every_mistake_is_told_at_once() {
    let syntax = Flow::parse("{\n  \"id\": }").unwrap_err().to_string();
    assert!(syntax.starts_with("line 2, column 9: this is not JSON"), "{syntax}");
    let both = problems(|f| {
        f["id"] = json!(1);
        f["states"]["wait"] = json!(7);
    });
    assert!(
        both.contains("id: ") && both.contains("states.wait: a state must be an object"),
        "{both}"
    );
}

#[test]
fn targets_can_be_written_in_several_ways() {
    for target in ["charge", "#order.charge", "#charge"] {
        assert_eq!(
            problems(|f| f["states"]["wait"]["after"]["30s"] = json!(target)),
            "",
            "{target}"
        );
    }
    let inside = problems(|f| f["states"]["wait"]["after"]["30s"] = json!("fulfil.pack.pick"));
    assert_eq!(inside, "");
}

#[test]
fn pictures_show_every_state_and_transition() {
    let flow = Flow::parse(ORDER).unwrap();
    let (svg, mermaid) = (flow.svg(), flow.mermaid());
    let shown = include_str!("../../../docs/flow-order.svg");
    assert_eq!(svg, shown, "tasker flow draw taskcode/flows/order.json -o docs/flow-order.svg");
    for name in
        ["check", "charge-card", "tries &lt; 3", "after 30s", "fulfil", "pick-items", "refused"]
    {
        assert!(svg.contains(name), "{name} is not in the SVG");
    }
    assert_eq!(svg.matches("marker-end").count(), 10 + 3, "transitions and beginnings");
    for line in [
        "[*] --> check",
        "state \"fulfil\" as fulfil",
        "charge --> wait : error [tries < 3]",
        "  --",
    ] {
        assert!(mermaid.contains(line), "{line} is not in\n{mermaid}");
    }
}
