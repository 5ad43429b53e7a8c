//! From JSON to a flow. Every problem is gathered with its place, so that one look shows all.

use serde_json::{Map, Value, json};

use crate::{
    check, duration, expression,
    model::{Action, After, Flow, Invoke, Kind, Node, Problem, Problems, Source, Transition},
};

/// What a state may say.
const STATE: [&str; 16] = [
    "id",
    "description",
    "type",
    "initial",
    "states",
    "entry",
    "exit",
    "invoke",
    "after",
    "always",
    "onDone",
    "output",
    "meta",
    "tags",
    "context",
    "version",
];
/// Deepest nesting of states.
const DEEPEST: usize = 20;

impl Flow {
    /// Reads and checks a flow.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Problems> {
        let value: Value = serde_json::from_str(text).map_err(|e| {
            let place = format!("line {}, column {}", e.line(), e.column());
            Problems(vec![Problem { place, message: format!("this is not JSON: {e}") }])
        })?;
        Self::read(value)
    }

    /// Checks a flow.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn read(source: Value) -> Result<Self, Problems> {
        let mut reader = Reader::default();
        let Value::Object(object) = &source else {
            reader.wrong("flow", "a flow is an object: { id, initial, states }");
            return Err(Problems(reader.problems));
        };
        let id = object.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        if !name_is_good(&id) {
            reader.wrong("id", "a flow needs an id: 1 to 100 letters, digits, - or _");
        }
        reader.id.clone_from(&id);
        let context = match object.get("context") {
            None => Map::new(),
            Some(Value::Object(context)) => context.clone(),
            Some(_) => {
                reader.wrong("context", "context must be an object: the flow's variables");
                Map::new()
            }
        };
        expression::check(&Value::Object(context.clone()), "context", &mut reader.problems);
        let description = object.get("description").and_then(Value::as_str).map(str::to_owned);
        let root = reader.node(object, "", "", 0);
        check::tree(&root, &mut reader.problems);
        if reader.problems.is_empty() {
            Ok(Self { id, description, context, root, source })
        } else {
            Err(Problems(reader.problems))
        }
    }
}

fn name_is_good(name: &str) -> bool {
    let good = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | ' ');
    !name.is_empty() && name.chars().count() <= 100 && name.chars().all(good)
}

#[derive(Default)]
struct Reader {
    id: String,
    problems: Vec<Problem>,
}

/// `states.a` of `states.a.initial`.
fn at(place: &str, key: &str) -> String {
    if place.is_empty() { key.to_owned() } else { format!("{place}.{key}") }
}

impl Reader {
    fn wrong(&mut self, place: impl Into<String>, message: impl Into<String>) {
        self.problems.push(Problem { place: place.into(), message: message.into() });
    }

    fn node(&mut self, object: &Map<String, Value>, path: &str, place: &str, depth: usize) -> Node {
        for key in object.keys() {
            if key == "on" {
                self.wrong(
                    at(place, key),
                    "nothing sends events to a flow: use invoke, after, always or onDone",
                );
            } else if !STATE.contains(&key.as_str()) {
                self.wrong(
                    at(place, key),
                    format!("a state has no '{key}'; it has {}", STATE.join(", ")),
                );
            }
        }
        let states = self.states(object, path, place, depth);
        let kind = self.kind(object, place, &states);
        let initial = object.get("initial").and_then(Value::as_str).map(str::to_owned);
        if object.contains_key("initial") && initial.is_none() {
            self.wrong(at(place, "initial"), "initial must be the name of a state");
        }
        let output = object.get("output").cloned();
        if let Some(output) = &output {
            expression::check(output, &at(place, "output"), &mut self.problems);
        }
        Node {
            key: path.rsplit('.').next().unwrap_or_default().to_owned(),
            path: path.to_owned(),
            kind,
            initial,
            states,
            entry: self.actions(object.get("entry"), &at(place, "entry")),
            exit: self.actions(object.get("exit"), &at(place, "exit")),
            invoke: self.invokes(object.get("invoke"), path, &at(place, "invoke")),
            after: self.after(object.get("after"), path, &at(place, "after")),
            always: self.transitions(object.get("always"), path, &at(place, "always")),
            on_done: self.transitions(object.get("onDone"), path, &at(place, "onDone")),
            output,
            description: object.get("description").and_then(Value::as_str).map(str::to_owned),
        }
    }

    fn states(
        &mut self,
        object: &Map<String, Value>,
        path: &str,
        place: &str,
        depth: usize,
    ) -> Vec<Node> {
        let place = at(place, "states");
        let states = match object.get("states") {
            None => return Vec::new(),
            Some(Value::Object(states)) if depth < DEEPEST => states,
            Some(Value::Object(_)) => {
                self.wrong(place, format!("states are nested more than {DEEPEST} deep"));
                return Vec::new();
            }
            Some(_) => {
                self.wrong(place, "states must be an object: each state by its name");
                return Vec::new();
            }
        };
        let mut nodes = Vec::new();
        for (key, state) in states {
            let place = format!("{place}.{key}");
            if !name_is_good(key) {
                self.wrong(&place, "a state's name has 1 to 100 letters, digits, spaces, - or _");
            }
            let Value::Object(state) = state else {
                self.wrong(place, "a state must be an object; one that does nothing is {}");
                continue;
            };
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            nodes.push(self.node(state, &path, &place, depth + 1));
        }
        nodes
    }

    fn kind(&mut self, object: &Map<String, Value>, place: &str, states: &[Node]) -> Kind {
        let natural = if states.is_empty() { Kind::Atomic } else { Kind::Compound };
        match object.get("type").map(|t| t.as_str().unwrap_or_default()) {
            None => natural,
            Some("atomic") if states.is_empty() => Kind::Atomic,
            Some("compound") if !states.is_empty() => Kind::Compound,
            Some("parallel") => Kind::Parallel,
            Some("final") => Kind::Final,
            Some(other) => {
                let message =
                    format!("the type '{other}' does not fit: it is final, parallel, or left out");
                self.wrong(at(place, "type"), message);
                natural
            }
        }
    }

    /// One or a list.
    fn several(value: Option<&Value>) -> Vec<&Value> {
        match value {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(items)) => items.iter().collect(),
            Some(one) => vec![one],
        }
    }

    fn actions(&mut self, value: Option<&Value>, place: &str) -> Vec<Action> {
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

    fn transitions(&mut self, value: Option<&Value>, path: &str, place: &str) -> Vec<Transition> {
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

    fn invokes(&mut self, value: Option<&Value>, path: &str, place: &str) -> Vec<Invoke> {
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

    fn after(&mut self, value: Option<&Value>, path: &str, place: &str) -> Vec<After> {
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
