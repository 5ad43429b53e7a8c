//! From JSON to a flow. Every problem is gathered with its place, so that one look shows all.

mod parts;

use serde_json::{Map, Value};

use crate::{
    check, expression,
    model::{Flow, Kind, Node, Problem, Problems},
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
}
