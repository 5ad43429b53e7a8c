//! The arrows between the boxes.

mod lanes;

use std::{collections::HashMap, fmt::Write as _};

use super::{escape, layout::Box};
use crate::{mermaid::label, model::Node};

/// A place in the picture.
type Point = (f64, f64);

/// An arrow to draw.
struct Edge {
    from: Box,
    to: Box,
    label: String,
    error: bool,
}

/// The arrows, and how much room beside the picture they take.
pub fn draw(root: &Node, drawn: &Box) -> (String, f64) {
    let mut boxes = HashMap::new();
    gather(root, drawn, &mut boxes);
    let mut edges = Vec::new();
    for node in root.all() {
        for (trigger, transition) in node.transitions() {
            let ends =
                (boxes.get(&node.path), transition.target.as_ref().and_then(|t| boxes.get(t)));
            let (Some(from), Some(to)) = ends else { continue };
            let label = label(&trigger, transition);
            edges.push(Edge {
                from: from.clone(),
                to: to.clone(),
                label,
                error: trigger == "error",
            });
        }
    }
    let all: Vec<Box> = boxes.into_values().collect();
    let mut out = String::new();
    let mut labels = String::new();
    let mut spots = Spots::default();
    let mut beyond: f64 = 0.0;
    for edge in &edges {
        let (path, at) = route(edge, &all, &mut spots);
        let (class, head) = if edge.error { ("e err", "r") } else { ("e", "a") };
        let _ = write!(out, "<path class=\"{class}\" marker-end=\"url(#{head})\" d=\"{path}\"/>");
        if edge.label.is_empty() {
            continue;
        }
        let (x, y) = spots.free(at, &edge.label);
        let text = escape(&edge.label);
        let _ = write!(
            labels,
            "<text class=\"l\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\">{text}</text>"
        );
        beyond = beyond.max(x + half(&edge.label) - drawn.w);
    }
    (out + &labels, beyond.max(0.0))
}

fn gather(node: &Node, drawn: &Box, boxes: &mut HashMap<String, Box>) {
    boxes.insert(node.path.clone(), Box { inside: Vec::new(), ..drawn.clone() });
    for (child, inner) in node.states.iter().zip(&drawn.inside) {
        gather(child, inner, boxes);
    }
}

/// Half the width of a label.
fn half(label: &str) -> f64 {
    label.chars().count() as f64 * 3.1
}

/// What is taken: ends of arrows at the sides of boxes, lanes, labels.
#[derive(Default)]
struct Spots {
    ends: HashMap<(i64, i64, char), i32>,
    lanes: i32,
    labels: Vec<(f64, f64, f64)>,
}

impl Spots {
    /// 0, 1, -1, 2, -2 ... for the arrows at one side of a box.
    fn end(&mut self, of: &Box, side: char) -> f64 {
        #[expect(clippy::cast_possible_truncation, reason = "a key")]
        let n = self.ends.entry((of.x as i64, of.y as i64, side)).or_default();
        *n += 1;
        f64::from(*n / 2) * if *n % 2 == 0 { 1.0 } else { -1.0 }
    }

    /// The place, or one near it where no label is.
    fn free(&mut self, (x, mut y): Point, label: &str) -> Point {
        let own = half(label);
        let taken = |y: f64| {
            let near = |(lx, ly, lh): &(f64, f64, f64)| {
                (ly - y).abs() < 13.0 && (lx - x).abs() < lh + own + 4.0
            };
            self.labels.iter().any(near)
        };
        for _ in 0..6 {
            if !taken(y) {
                break;
            }
            y += 14.0;
        }
        self.labels.push((x, y, own));
        (x, y)
    }
}

/// The line, and where its label goes.
fn route(edge: &Edge, all: &[Box], spots: &mut Spots) -> (String, Point) {
    let (from, to) = (&edge.from, &edge.to);
    if from.x == to.x && from.y == to.y {
        return itself(from);
    }
    let (down, up) = (to.y - (from.y + from.h), from.y - (to.y + to.h));
    let near = 10.0..90.0;
    if near.contains(&down) {
        return curve(from, to, true, spots);
    }
    if near.contains(&up) {
        return curve(from, to, false, spots);
    }
    let beside = if to.x > from.x { to.x - from.x - from.w } else { from.x - to.x - to.w };
    if near.contains(&beside) && down < 0.0 && up < 0.0 {
        return across(from, to, spots);
    }
    lanes::route(from, to, all, spots)
}

fn itself(of: &Box) -> (String, Point) {
    let (x, y) = (of.x + of.w, of.y + of.h / 2.0);
    let (out, top, bottom) = (x + 34.0, y - 22.0, y + 22.0);
    let path = format!(
        "M{x:.1} {:.1}C{out:.1} {top:.1} {out:.1} {bottom:.1} {x:.1} {:.1}",
        y - 8.0,
        y + 8.0
    );
    (path, (x + 36.0, y + 4.0))
}

/// From a box to one in the rank below or above.
fn curve(from: &Box, to: &Box, down: bool, spots: &mut Spots) -> (String, Point) {
    let (out, into) = if down { ('b', 't') } else { ('t', 'b') };
    let within = |b: &Box, x: f64| x.clamp(b.x + 10.0, b.x + b.w - 10.0);
    // Leaning towards where it goes.
    let lean = (center(to) - center(from)).clamp(-from.w / 4.0, from.w / 4.0);
    // Ways up and down between the same boxes stand apart.
    let apart = if down { 0.0 } else { 18.0 };
    let x1 = within(from, center(from) + lean + 16.0 * spots.end(from, out) + apart);
    let toward = lean.signum() * (to.w / 6.0).min(lean.abs());
    let x2 = within(to, center(to) - toward + 22.0 * spots.end(to, into) + apart);
    let (y1, y2) = if down { (from.y + from.h, to.y) } else { (from.y, to.y + to.h) };
    let bend = (y2 - y1) / 2.0;
    let path = format!(
        "M{x1:.1} {y1:.1}C{x1:.1} {:.1} {x2:.1} {:.1} {x2:.1} {y2:.1}",
        y1 + bend,
        y2 - bend
    );
    // Nearer to where it comes from on the way up: ways down have theirs in the middle.
    let t = if down { 0.5 } else { 0.28 };
    let s = t * t * (3.0 - 2.0 * t);
    (path, (x1 + (x2 - x1) * s, y1 + (y2 - y1) * t + 4.0))
}

/// To a neighbour of the same rank.
fn across(from: &Box, to: &Box, spots: &mut Spots) -> (String, Point) {
    let right = to.x > from.x;
    let (x1, x2) = if right { (from.x + from.w, to.x) } else { (from.x, to.x + to.w) };
    let side = if right { 'r' } else { 'l' };
    let y = from.y
        + from.h.min(to.h) / 2.0
        + 10.0 * spots.end(from, side)
        + if right { -6.0 } else { 6.0 };
    (format!("M{x1:.1} {y:.1}L{x2:.1} {y:.1}"), (f64::midpoint(x1, x2), y - 5.0))
}

fn center(of: &Box) -> f64 {
    of.x + of.w / 2.0
}
