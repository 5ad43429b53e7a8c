//! From a flow to task code: the flow as data, and an interpreter below it.

use serde_json::{Value, json};

use crate::model::{Flow, Kind, Node};

const INTERPRETER: &str = include_str!("interpreter.js");
/// The line that holds the flow as it was written.
const MARK: &str = "// flow: ";

impl Flow {
    /// The task that runs this flow. A run keeps the code it started with, its interpreter
    /// included.
    pub fn task_code(&self) -> String {
        let description = self.description.as_deref().unwrap_or("A flow.").replace("*/", "* /");
        let compiled =
            json!({ "id": self.id, "context": self.context, "root": node(&self.root, false) });
        // As text: in an object literal the name __proto__ would mean something.
        let compiled = one_line(&Value::String(compiled.to_string()));
        let source = one_line(&self.source);
        format!(
            "/** {description} */\n{MARK}{source}\nconst FLOW = JSON.parse({compiled});\n\n{INTERPRETER}"
        )
    }

    /// The flow that a task was made of, if it was made of one.
    pub fn of_task(code: &str) -> Option<Self> {
        let line = code.lines().find_map(|line| line.strip_prefix(MARK))?;
        Self::parse(line).ok()
    }
}

/// JSON that is JavaScript too, and ends no comment.
fn one_line(value: &Value) -> String {
    value.to_string().replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}

fn node(node_: &Node, region: bool) -> Value {
    let mut value = serde_json::to_value(node_).unwrap_or_default();
    let parallel = node_.kind == Kind::Parallel;
    let states: Vec<_> = node_.states.iter().map(|s| node(s, parallel)).collect();
    value["states"] = states.into();
    value["isRegion"] = region.into();
    value
}
