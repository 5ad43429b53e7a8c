//! A checked flow.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

/// A flow whose parts all fit together.
#[derive(Clone, Debug)]
pub struct Flow {
    /// Name; that of the task it becomes, unless it is published under another.
    pub id: String,
    /// What it is for.
    pub description: Option<String>,
    /// Its variables when it starts, as expressions over the input.
    pub context: Map<String, Value>,
    /// The outermost state.
    pub root: Node,
    /// As it was written.
    pub source: Value,
}

/// What a state is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// No states inside.
    Atomic,
    /// One of its states is active.
    Compound,
    /// All of its states are active.
    Parallel,
    /// The state around it is done.
    Final,
}

/// A state.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Node {
    /// Its name among its siblings.
    pub key: String,
    /// Names from the root down, with dots; empty for the root.
    pub path: String,
    /// What it is made of.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// The state inside that is entered first.
    pub initial: Option<String>,
    /// The states inside, in the order they were written.
    pub states: Vec<Node>,
    /// Done when it is entered and left.
    pub entry: Vec<Action>,
    /// Done when it is left.
    pub exit: Vec<Action>,
    /// What it waits for.
    pub invoke: Vec<Invoke>,
    /// Transitions that time takes.
    pub after: Vec<After>,
    /// Transitions that are taken at once.
    pub always: Vec<Transition>,
    /// Transitions once the states inside are done.
    pub on_done: Vec<Transition>,
    /// Result of a final state, as an expression.
    pub output: Option<Value>,
    /// What it is for.
    #[serde(skip)]
    pub description: Option<String>,
}

/// Something that happens at once.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Variables that get the values of expressions.
    Assign(Map<String, Value>),
    /// A line in the run's log.
    Log(Value),
}

/// A call that a state makes when it is entered.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Invoke {
    /// Its name in events.
    pub id: String,
    /// What is called.
    pub src: Source,
    /// Transitions when it succeeds.
    pub on_done: Vec<Transition>,
    /// Transitions when it fails.
    pub on_error: Vec<Transition>,
}

/// What a state calls. Everything but names is an expression.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// Another task, or flow.
    Task {
        /// Its name.
        name: String,
        /// Its input.
        input: Value,
    },
    /// A host call.
    Call {
        /// Service.
        service: String,
        /// Dotted method.
        method: String,
        /// Positional arguments.
        args: Value,
        /// `{ retry, timeoutMs, idempotencyKey }`.
        options: Value,
    },
    /// A request to the outside.
    Fetch {
        /// Where to.
        url: Value,
        /// As `fetch` takes it.
        init: Value,
    },
}

/// A delay and what follows it.
#[derive(Clone, Debug, Serialize)]
pub struct After {
    /// Milliseconds, or an expression of them.
    pub delay: Value,
    /// As it was written.
    #[serde(skip)]
    pub label: String,
    /// The first whose guard holds is taken.
    pub transitions: Vec<Transition>,
}

/// A way out of a state.
#[derive(Clone, Debug, Serialize)]
pub struct Transition {
    /// Path of the state it leads to; without one the state is not left.
    pub target: Option<String>,
    /// Taken only if this expression is true.
    pub guard: Option<Value>,
    /// Done on the way.
    pub actions: Vec<Action>,
    /// Where it stands in the JSON.
    #[serde(skip)]
    pub place: String,
}

/// Something that is wrong with a flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Where in the JSON: `states.a.invoke.onDone`.
    pub place: String,
    /// What is wrong and what to do.
    pub message: String,
}

/// Everything that is wrong with a flow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<_> = self.0.iter().map(|p| format!("{}: {}", p.place, p.message)).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl Node {
    /// This state and all inside of it, outermost first.
    pub fn all(&self) -> Vec<&Self> {
        let mut all = vec![self];
        all.extend(self.states.iter().flat_map(Self::all));
        all
    }

    /// Every transition of this state, with what leads to it.
    pub fn transitions(&self) -> Vec<(String, &Transition)> {
        let mut all = Vec::new();
        for invoke in &self.invoke {
            all.extend(invoke.on_done.iter().map(|t| ("done".to_owned(), t)));
            all.extend(invoke.on_error.iter().map(|t| ("error".to_owned(), t)));
        }
        for after in &self.after {
            all.extend(after.transitions.iter().map(|t| (format!("after {}", after.label), t)));
        }
        all.extend(self.always.iter().map(|t| (String::new(), t)));
        all.extend(self.on_done.iter().map(|t| ("done".to_owned(), t)));
        all
    }
}

impl Source {
    /// A name for people.
    pub fn label(&self) -> String {
        match self {
            Self::Task { name, .. } => name.clone(),
            Self::Call { service, method, .. } => format!("{service}.{method}"),
            Self::Fetch { url, .. } => format!("fetch {}", url.as_str().unwrap_or("...")),
        }
    }
}
