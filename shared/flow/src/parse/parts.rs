//! What a state is made of: transitions, actions, calls, delays.

use serde_json::{Map, Value, json};

use super::{Reader, at};
use crate::{
    duration, expression,
    model::{Action, After, Invoke, Source, Transition},
};

impl Reader {
    /// One or a list.
    fn several(value: Option<&Value>) -> Vec<&Value> {
        match value {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(items)) => items.iter().collect(),
            Some(one) => vec![one],
        }
    }

    pub(super) fn actions(&mut self, value: Option<&Value>, place: &str) -> Vec<Action> {
        let mut actions = Vec::new();
        for (i, action) in Self::several(value).into_iter().enumerate() {
            let place = format!("{place}[{i}]");
            match action.as_object().map(|o| (o.len(), o.get("assign"), o.get("log"))) {
                Some((1, Some(assign), _)) => {
                    actions.extend(self.assign(assign, &format!("{place}.assign")))
                }
                Some((1, _, Some(log))) => {
                    expression::check(log, &format!("{place}.log"), &mut self.problems);
                    actions.push(Action::Log(log.clone()));
                }
                _ => self
                    .wrong(place, "an action is {\"assign\": {name: value}} or {\"log\": value}"),
            }
        }
        actions
    }

    fn assign(&mut self, value: &Value, place: &str) -> Option<Action> {
        let Value::Object(values) = value else {
            self.wrong(
                place,
                "assign must be an object: variables of the context and their values",
            );
            return None;
        };
        expression::check(value, place, &mut self.problems);
        Some(Action::Assign(values.clone()))
    }

    pub(super) fn transitions(
        &mut self,
        value: Option<&Value>,
        path: &str,
        place: &str,
    ) -> Vec<Transition> {
        let list = value.is_some_and(Value::is_array);
        let several = Self::several(value).into_iter().enumerate();
        several
            .filter_map(|(i, one)| {
                let place = if list { format!("{place}[{i}]") } else { place.to_owned() };
                self.transition(one, path, place)
            })
            .collect()
    }

    fn transition(&mut self, value: &Value, path: &str, place: String) -> Option<Transition> {
        let plain;
        let object = match value {
            Value::String(target) => {
                plain = Map::from_iter([("target".to_owned(), json!(target))]);
                &plain
            }
            Value::Object(object) => object,
            _ => {
                self.wrong(
                    place,
                    "a transition is the name of a state or {target, guard, assign, actions}",
                );
                return None;
            }
        };
        for key in object.keys() {
            if !["target", "guard", "cond", "assign", "actions", "description", "reenter"]
                .contains(&key.as_str())
            {
                self.wrong(
                    &place,
                    format!("a transition has no '{key}'; it has target, guard, assign, actions"),
                );
            }
        }
        let guard = object.get("guard").or_else(|| object.get("cond")).cloned();
        if let Some(guard) = &guard {
            self.guard(guard, &format!("{place}.guard"));
        }
        let mut actions = Vec::new();
        if let Some(assign) = object.get("assign") {
            actions.extend(self.assign(assign, &format!("{place}.assign")));
        }
        actions.extend(self.actions(object.get("actions"), &format!("{place}.actions")));
        let target = match object.get("target") {
            None | Some(Value::Null) => None,
            Some(Value::String(target)) => Some(self.resolve(target, path)),
            Some(_) => {
                self.wrong(&place, "target must be the name of one state");
                None
            }
        };
        Some(Transition { target, guard, actions, place })
    }

    fn guard(&mut self, guard: &Value, place: &str) {
        let plain = guard.as_str().is_some_and(|text| !text.starts_with('$'));
        if plain || guard.as_object().is_some_and(|o| !o.keys().any(|k| k.starts_with('$'))) {
            self.wrong(place, "a guard is an expression such as {\"$lt\": [\"$.context.tries\", 3]} or \"$.event.output.ok\"");
            return;
        }
        expression::check(guard, place, &mut self.problems);
    }

    /// `#id.a.b` and `#a.b` from the root, `.a` inside of the state, `a` beside it.
    fn resolve(&self, target: &str, path: &str) -> String {
        if let Some(absolute) = target.strip_prefix('#') {
            let (first, rest) = absolute.split_once('.').unwrap_or((absolute, ""));
            return if first == self.id { rest.to_owned() } else { absolute.to_owned() };
        }
        if let Some(inside) = target.strip_prefix('.') {
            return at(path, inside);
        }
        let above = path.rsplit_once('.').map_or("", |(above, _)| above);
        at(above, target)
    }

    pub(super) fn invokes(
        &mut self,
        value: Option<&Value>,
        path: &str,
        place: &str,
    ) -> Vec<Invoke> {
        let list = value.is_some_and(Value::is_array);
        let mut all = Vec::new();
        for (i, one) in Self::several(value).into_iter().enumerate() {
            let place = if list { format!("{place}[{i}]") } else { place.to_owned() };
            let Value::Object(object) = one else {
                self.wrong(place, "invoke must be {src, input, onDone, onError}");
                continue;
            };
            for key in object.keys() {
                if !["id", "src", "input", "onDone", "onError", "description"]
                    .contains(&key.as_str())
                {
                    self.wrong(
                        at(&place, key),
                        format!("invoke has no '{key}'; it has id, src, input, onDone, onError"),
                    );
                }
            }
            let Some(src) = self.source(object, &place) else { continue };
            let id = object.get("id").and_then(Value::as_str).unwrap_or(path).to_owned();
            let on_done = self.transitions(object.get("onDone"), path, &at(&place, "onDone"));
            let on_error = self.transitions(object.get("onError"), path, &at(&place, "onError"));
            all.push(Invoke { id, src, on_done, on_error });
        }
        all
    }

    fn source(&mut self, invoke: &Map<String, Value>, place: &str) -> Option<Source> {
        let input = invoke.get("input").cloned();
        if let Some(input) = &input {
            expression::check(input, &at(place, "input"), &mut self.problems);
        }
        let place = at(place, "src");
        let usage = "src is the name of a task, {\"service\", \"method\", \"args\"} for a host call, or {\"fetch\": url, \"init\"}";
        match invoke.get("src") {
            Some(Value::String(name)) if !name.is_empty() => {
                let input = input.unwrap_or_else(|| json!({}));
                Some(Source::Task { name: name.clone(), input })
            }
            Some(value @ Value::Object(src)) => {
                for (key, item) in src {
                    if ["service", "method", "args", "options", "fetch", "init"]
                        .contains(&key.as_str())
                    {
                        expression::check(item, &at(&place, key), &mut self.problems);
                    } else {
                        self.wrong(at(&place, key), usage);
                    }
                }
                if let Some(url) = src.get("fetch") {
                    let init = src.get("init").cloned().unwrap_or_else(|| json!({}));
                    return Some(Source::Fetch { url: url.clone(), init });
                }
                let text = |key| {
                    value
                        .get(key)
                        .and_then(Value::as_str)
                        .filter(|t| !t.is_empty())
                        .map(str::to_owned)
                };
                let (Some(service), Some(method)) = (text("service"), text("method")) else {
                    self.wrong(place, usage);
                    return None;
                };
                let args = src.get("args").cloned().or_else(|| input.map(|i| json!([i])));
                let options = src.get("options").cloned().unwrap_or(Value::Null);
                Some(Source::Call {
                    service,
                    method,
                    args: args.unwrap_or_else(|| json!([])),
                    options,
                })
            }
            _ => {
                self.wrong(place, usage);
                None
            }
        }
    }

    pub(super) fn after(&mut self, value: Option<&Value>, path: &str, place: &str) -> Vec<After> {
        let Some(value) = value else { return Vec::new() };
        let Value::Object(object) = value else {
            self.wrong(place, "after must be an object: {\"5s\": transition}");
            return Vec::new();
        };
        let mut all = Vec::new();
        for (label, transitions) in object {
            let place = format!("{place}.{label}");
            let delay = if label.starts_with("$.") {
                let delay = json!(label);
                expression::check(&delay, &place, &mut self.problems);
                delay
            } else {
                let Some(ms) = duration::parse(label) else {
                    self.wrong(place, "a delay is milliseconds, or 1.5s, 10m, 2h, 3d, or a place such as $.context.delay");
                    continue;
                };
                json!(ms)
            };
            let transitions = self.transitions(Some(transitions), path, &place);
            all.push(After { delay, label: label.clone(), transitions });
        }
        all
    }
}
