//! A flow as a Mermaid state diagram.

use std::fmt::Write as _;

use crate::{
    expression,
    model::{Flow, Kind, Node, Transition},
};

impl Flow {
    /// Text that Mermaid (and so GitHub, among others) draws.
    pub fn mermaid(&self) -> String {
        let mut out = String::from("stateDiagram-v2\n");
        inside(&self.root, 1, &mut out);
        for node in self.root.all() {
            for (trigger, transition) in node.transitions() {
                let Some(target) = &transition.target else { continue };
                let label = label(&trigger, transition);
                let colon = if label.is_empty() { String::new() } else { format!(" : {label}") };
                let _ = writeln!(out, "  {} --> {}{colon}", id(&node.path), id(target));
            }
        }
        out
    }
}

/// What is written at an arrow.
pub fn label(trigger: &str, transition: &Transition) -> String {
    let guard = transition.guard.as_ref().map(|g| format!("[{}]", expression::show(g)));
    let parts = [Some(trigger.to_owned()).filter(|t| !t.is_empty()), guard];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ").replace(['\n', ';', ':'], " ")
}

fn id(path: &str) -> String {
    path.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect()
}

fn inside(node: &Node, depth: usize, out: &mut String) {
    let pad = "  ".repeat(depth);
    if let Some(initial) = node.states.iter().find(|s| Some(&s.key) == node.initial.as_ref()) {
        let _ = writeln!(out, "{pad}[*] --> {}", id(&initial.path));
    }
    for (i, state) in node.states.iter().enumerate() {
        if i > 0 && node.kind == Kind::Parallel {
            let _ = writeln!(out, "{pad}--");
        }
        let calls: Vec<_> = state.invoke.iter().map(|i| i.src.label()).collect();
        let name = if calls.is_empty() {
            state.key.clone()
        } else {
            format!("{}\\n{}", state.key, calls.join("\\n"))
        };
        let _ = writeln!(out, "{pad}state \"{}\" as {}", name.replace('"', "'"), id(&state.path));
        if !state.states.is_empty() {
            let _ = writeln!(out, "{pad}state {} {{", id(&state.path));
            inside(state, depth + 1, out);
            let _ = writeln!(out, "{pad}}}");
        }
        if state.kind == Kind::Final {
            let _ = writeln!(out, "{pad}{} --> [*]", id(&state.path));
        }
    }
}
