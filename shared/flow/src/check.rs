//! Whether the states of a flow fit together.

use std::collections::{BTreeSet, HashMap};

use crate::model::{Kind, Node, Problem};

/// Adds what is wrong with the tree to `problems`.
pub fn tree(root: &Node, problems: &mut Vec<Problem>) {
    let all = root.all();
    let by_path: HashMap<&str, &Node> = all.iter().map(|n| (n.path.as_str(), *n)).collect();
    let mut checker = Checker { by_path, problems };
    if root.states.is_empty() {
        checker.wrong(
            root,
            "states",
            "a flow needs states: {\"a\": {...}, \"end\": {\"type\": \"final\"}}",
        );
        return;
    }
    for node in &all {
        checker.node(node);
        for (_, transition) in node.transitions() {
            if let Some(target) = &transition.target {
                checker.target(node, target, &transition.place);
            }
        }
    }
    if checker.problems.is_empty() {
        checker.reachable(root);
    }
}

struct Checker<'a> {
    by_path: HashMap<&'a str, &'a Node>,
    problems: &'a mut Vec<Problem>,
}

/// `states.a.states.b` of the state `a.b`.
pub fn place(path: &str) -> String {
    if path.is_empty() {
        return String::new();
    }
    path.split('.').map(|key| format!("states.{key}")).collect::<Vec<_>>().join(".")
}

fn within(path: &str, outer: &str) -> bool {
    outer.is_empty()
        || path == outer
        || path.strip_prefix(outer).is_some_and(|r| r.starts_with('.'))
}

impl Checker<'_> {
    fn wrong(&mut self, node: &Node, key: &str, message: impl Into<String>) {
        let base = place(&node.path);
        let place = if base.is_empty() { key.to_owned() } else { format!("{base}.{key}") };
        self.problems.push(Problem { place, message: message.into() });
    }

    fn node(&mut self, node: &Node) {
        let names: Vec<&str> = node.states.iter().map(|s| s.key.as_str()).collect();
        match (node.kind, &node.initial) {
            (Kind::Compound, None) => {
                self.wrong(
                    node,
                    "initial",
                    format!("say which state comes first: {}", names.join(", ")),
                );
            }
            (Kind::Compound, Some(initial)) if !names.contains(&initial.as_str()) => {
                let message =
                    format!("there is no state '{initial}' here; there are {}", names.join(", "));
                self.wrong(node, "initial", message);
            }
            (Kind::Parallel, Some(_)) => self.wrong(
                node,
                "initial",
                "all states of a parallel state are entered: leave initial out",
            ),
            (Kind::Parallel, None) if names.is_empty() => {
                self.wrong(node, "states", "a parallel state needs states")
            }
            (Kind::Atomic | Kind::Final, Some(_)) => {
                self.wrong(node, "initial", "there are no states here to begin with")
            }
            _ => {}
        }
        if node.kind == Kind::Final {
            self.end(node);
            return;
        }
        if node.output.is_some() && !node.path.is_empty() {
            self.wrong(node, "output", "only a final state and the flow itself have an output");
        }
        if node.kind == Kind::Parallel {
            for region in &node.states {
                if region.kind == Kind::Atomic {
                    self.wrong(
                        region,
                        "states",
                        "a state of a parallel state needs states of its own, one of them final",
                    );
                }
            }
        }
        self.waits(node);
    }

    fn end(&mut self, node: &Node) {
        let full = !node.states.is_empty()
            || !node.invoke.is_empty()
            || !node.after.is_empty()
            || !node.always.is_empty()
            || !node.on_done.is_empty();
        if full {
            self.wrong(
                node,
                "type",
                "a final state ends: it has entry, exit and output, and nothing else",
            );
        }
    }

    /// A state must have something to wait for, and a way on from what can happen.
    fn waits(&mut self, node: &Node) {
        let parallel_above = self
            .by_path
            .get(above(&node.path))
            .is_some_and(|n| n.kind == Kind::Parallel && !node.path.is_empty());
        match node.kind {
            Kind::Atomic => {
                if node.invoke.is_empty() && node.after.is_empty() && node.always.is_empty() {
                    self.wrong(node, "type", "nothing leads out of this state: give it invoke, after or always, or make it final");
                }
                if !node.on_done.is_empty() {
                    self.wrong(node, "onDone", "there are no states inside that could be done; an invoke has its own onDone");
                }
            }
            Kind::Compound | Kind::Parallel if !node.path.is_empty() && !parallel_above => {
                let ends = node.kind == Kind::Parallel
                    || node.states.iter().any(|s| s.kind == Kind::Final);
                if ends && node.on_done.is_empty() {
                    self.wrong(
                        node,
                        "onDone",
                        "its states can come to an end: say which state follows",
                    );
                }
            }
            _ => {}
        }
        for (i, invoke) in node.invoke.iter().enumerate() {
            if invoke.on_done.is_empty()
                && node.after.is_empty()
                && node.states.is_empty()
                && node.invoke.len() == 1
            {
                let key =
                    if i == 0 { "invoke.onDone".to_owned() } else { format!("invoke[{i}].onDone") };
                self.wrong(node, &key, "say which state follows when the call succeeds");
            }
        }
    }

    fn target(&mut self, from: &Node, target: &str, place: &str) {
        let mut wrong =
            |message: String| self.problems.push(Problem { place: place.to_owned(), message });
        if target.is_empty() {
            wrong("a transition cannot lead to the flow itself: name a state".into());
            return;
        }
        if !self.by_path.contains_key(target) {
            let beside: Vec<_> = self
                .by_path
                .get(above(&from.path))
                .map_or_else(Vec::new, |n| n.states.iter().map(|s| s.key.clone()).collect());
            wrong(format!(
                "there is no state '{target}'; beside this one there are {}, #a.b is a state from the top",
                beside.join(", ")
            ));
            return;
        }
        // From one region of a parallel state to another there is no way.
        for (path, node) in &self.by_path {
            if node.kind == Kind::Parallel
                && within(&from.path, path)
                && within(target, path)
                && from.path != *path
            {
                let region = |p: &str| {
                    p[path.len()..].trim_start_matches('.').split('.').next().map(str::to_owned)
                };
                if region(&from.path) != region(target) {
                    wrong(format!(
                        "'{target}' is in another part of the parallel state '{path}': those run side by side"
                    ));
                    return;
                }
            }
        }
    }

    /// States that nothing leads to are mistakes of the author.
    fn reachable(&mut self, root: &Node) {
        let mut seen = BTreeSet::new();
        let mut open = vec![root.path.clone()];
        while let Some(path) = open.pop() {
            if !seen.insert(path.clone()) {
                continue;
            }
            let Some(node) = self.by_path.get(path.as_str()) else { continue };
            // Whoever is in a state is in those around it.
            if !path.is_empty() {
                open.push(above(&path).to_owned());
            }
            match node.kind {
                Kind::Parallel => open.extend(node.states.iter().map(|s| s.path.clone())),
                _ => open.extend(
                    node.states
                        .iter()
                        .filter(|s| Some(&s.key) == node.initial.as_ref())
                        .map(|s| s.path.clone()),
                ),
            }
            open.extend(node.transitions().into_iter().filter_map(|(_, t)| t.target.clone()));
        }
        for node in root.all() {
            if !seen.contains(&node.path) {
                self.wrong(
                    node,
                    "type",
                    "no transition leads to this state: remove it, or name it as a target",
                );
            }
        }
    }
}

/// The state around the one at `path`.
fn above(path: &str) -> &str {
    path.rsplit_once('.').map_or("", |(above, _)| above)
}
