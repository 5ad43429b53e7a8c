//! Where each state's box goes.

use std::collections::BTreeMap;

use crate::model::{Action, Kind, Node};

/// Height of a box's title, and of each line below it.
pub const HEAD: f64 = 26.0;
pub const LINE: f64 = 15.0;
/// Space between ranks: room for the labels of transitions.
const BETWEEN: f64 = 66.0;
const BESIDE: f64 = 70.0;
const MARGIN: f64 = 34.0;
/// Side lanes inside of a compound state, where transitions pass other states.
const LANES: f64 = 46.0;

/// A state's box, in the picture's coordinates.
#[derive(Clone, Debug, Default)]
pub struct Box {
    pub x: f64,
    pub y: f64,
    pub w: f64,
    pub h: f64,
    pub title: String,
    pub lines: Vec<String>,
    pub region: bool,
    pub inside: Vec<Box>,
}

/// Lays out a flow.
pub fn of(root: &Node, title: &str) -> Box {
    let mut drawn = measure(root);
    title.clone_into(&mut drawn.title);
    drawn.w = drawn.w.max(width(title, 8.0) + 24.0);
    drawn.shift(0.0, 0.0);
    drawn
}

impl Box {
    fn shift(&mut self, x: f64, y: f64) {
        self.x += x;
        self.y += y;
        for inner in &mut self.inside {
            inner.shift(self.x, self.y);
        }
    }
}

fn width(text: &str, each: f64) -> f64 {
    text.chars().count() as f64 * each
}

/// What is written in a state's box.
fn lines(node: &Node) -> Vec<String> {
    let mut lines: Vec<String> =
        node.invoke.iter().map(|i| format!("\u{25b8} {}", i.src.label())).collect();
    for (when, actions) in [("entry", &node.entry), ("exit", &node.exit)] {
        let names = actions.iter().flat_map(|a| match a {
            Action::Assign(values) => values.keys().cloned().collect::<Vec<_>>(),
            Action::Log(_) => vec!["log".to_owned()],
        });
        let names: Vec<_> = names.collect();
        if !names.is_empty() {
            lines.push(format!("{when} / {}", names.join(", ")));
        }
    }
    lines
        .iter()
        .map(|l| {
            if l.chars().count() > 44 {
                l.chars().take(43).chain(['\u{2026}']).collect()
            } else {
                l.clone()
            }
        })
        .collect()
}

/// A box with its insides placed relative to its corner.
fn measure(node: &Node) -> Box {
    let lines = lines(node);
    let mut own = Box { title: node.key.clone(), ..Box::default() };
    let text = lines.iter().map(|l| width(l, 6.2)).fold(width(&node.key, 7.4), f64::max) + 28.0;
    let top = HEAD + LINE * lines.len() as f64 + if lines.is_empty() { 4.0 } else { 6.0 };
    own.lines = lines;
    if node.states.is_empty() {
        (own.w, own.h) = (text.max(74.0), top.max(34.0));
        return own;
    }
    own.inside = node.states.iter().map(measure).collect();
    let (w, bottom) = if node.kind == Kind::Parallel {
        beside(&mut own.inside, top + 10.0)
    } else {
        let ranks = ranks(node);
        ranked(&mut own.inside, &ranks, top + 28.0)
    };
    own.w = w.max(text);
    own.h = bottom + 18.0;
    if w < own.w {
        let more = (own.w - w) / 2.0;
        own.inside.iter_mut().for_each(|b| b.x += more);
    }
    own
}

/// The parts of a parallel state, side by side and equally high.
fn beside(boxes: &mut [Box], top: f64) -> (f64, f64) {
    let height = boxes.iter().map(|b| b.h).fold(0.0, f64::max);
    let mut x = 16.0;
    for inner in boxes.iter_mut() {
        (inner.x, inner.y, inner.h, inner.region) = (x, top, height, true);
        x += inner.w + 16.0;
    }
    (x, top + height)
}

fn ranked(boxes: &mut [Box], ranks: &[usize], top: f64) -> (f64, f64) {
    let mut rows: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (i, rank) in ranks.iter().enumerate() {
        rows.entry(*rank).or_default().push(i);
    }
    let row_width = |row: &Vec<usize>| {
        row.iter().map(|i| boxes[*i].w).sum::<f64>() + BESIDE * (row.len() - 1) as f64
    };
    let widest = rows.values().map(row_width).fold(0.0, f64::max);
    let places: Vec<(usize, f64)> = rows
        .values()
        .flat_map(|row| {
            let mut x = MARGIN + LANES + (widest - row_width(row)) / 2.0;
            row.iter()
                .map(|i| {
                    let at = x;
                    x += boxes[*i].w + BESIDE;
                    (*i, at)
                })
                .collect::<Vec<_>>()
        })
        .collect();
    places.into_iter().for_each(|(i, x)| boxes[i].x = x);
    let mut y = top;
    let mut bottom = top;
    for row in rows.values() {
        let height = row.iter().map(|i| boxes[*i].h).fold(0.0, f64::max);
        row.iter().for_each(|i| boxes[*i].y = y);
        bottom = y + height;
        y = bottom + BETWEEN;
    }
    (widest + 2.0 * (MARGIN + LANES), bottom)
}

/// How many transitions each state is away from the initial one.
fn ranks(node: &Node) -> Vec<usize> {
    let index: BTreeMap<&str, usize> =
        node.states.iter().enumerate().map(|(i, s)| (s.key.as_str(), i)).collect();
    let here = if node.path.is_empty() { String::new() } else { format!("{}.", node.path) };
    let next = |state: &Node| -> Vec<usize> {
        let all = state.all();
        let targets =
            all.iter().flat_map(|n| n.transitions()).filter_map(|(_, t)| t.target.clone());
        let keys = targets.filter_map(|t| {
            t.strip_prefix(&here).map(|r| r.split('.').next().unwrap_or(r).to_owned())
        });
        keys.filter_map(|k| index.get(k.as_str()).copied()).collect()
    };
    let mut ranks = vec![usize::MAX; node.states.len()];
    let first = node.initial.as_ref().and_then(|i| index.get(i.as_str()).copied()).unwrap_or(0);
    let mut open = std::collections::VecDeque::from([(first, 0)]);
    while let Some((i, rank)) = open.pop_front() {
        if ranks[i] == usize::MAX {
            ranks[i] = rank;
            open.extend(next(&node.states[i]).into_iter().map(|n| (n, rank + 1)));
        }
    }
    let last = ranks.iter().filter(|rank| **rank != usize::MAX).max().copied().unwrap_or(0);
    ranks.iter_mut().filter(|rank| **rank == usize::MAX).for_each(|rank| *rank = last + 1);
    ranks
}
