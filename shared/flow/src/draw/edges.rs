//! The arrows between the boxes.

use std::{collections::HashMap, fmt::Write as _};

use super::{escape, layout::Box};
use crate::{mermaid::label, model::Node};

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
            let (Some(target), Some(from)) = (&transition.target, boxes.get(&node.path)) else {
                continue;
            };
            let Some(to) = boxes.get(target) else { continue };
            let error = trigger == "error";
            edges.push(Edge {
                from: from.clone(),
                to: to.clone(),
                label: label(&trigger, transition),
                error,
            });
        }
    }
    let mut out = String::new();
    let mut spots = Spots::default();
    let mut lane: f64 = 0.0;
    for edge in &edges {
        let (path, at) = route(edge, &mut spots);
        let (class, head) = if edge.error { ("e err", "r") } else { ("e", "a") };
        let _ = write!(out, "<path class=\"{class}\" marker-end=\"url(#{head})\" d=\"{path}\"/>");
        let at = spots.free(at, &edge.label);
        if !edge.label.is_empty() {
            let _ = write!(
                out,
                "<text class=\"l\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                at.0,
                at.1,
                escape(&edge.label)
            );
            lane = lane.max(at.0 + edge.label.chars().count() as f64 * 3.2 - drawn.w);
        }
    }
    (out, lane.max(0.0))
}

fn gather(node: &Node, drawn: &Box, boxes: &mut HashMap<String, Box>) {
    boxes.insert(node.path.clone(), Box { inside: Vec::new(), ..drawn.clone() });
    for (child, inner) in node.states.iter().zip(&drawn.inside) {
        gather(child, inner, boxes);
    }
}

/// What is taken: ends of arrows at a box, lanes beside boxes, labels.
#[derive(Default)]
struct Spots {
    ends: HashMap<(i64, i64, char), usize>,
    lanes: usize,
    labels: Vec<(f64, f64, f64)>,
}

impl Spots {
    /// 0, 1, -1, 2, -2 ... for the arrows at one side of a box.
    fn end(&mut self, of: &Box, side: char) -> f64 {
        #[expect(clippy::cast_possible_truncation, reason = "a key")]
        let n = self.ends.entry((of.x as i64, of.y as i64, side)).or_default();
        *n += 1;
        let (step, odd) = (*n / 2, *n % 2 == 0);
        step as f64 * if odd { 1.0 } else { -1.0 }
    }

    /// The place, or one near it where no label is.
    fn free(&mut self, (x, mut y): (f64, f64), label: &str) -> (f64, f64) {
        let half = label.chars().count() as f64 * 3.1;
        let taken = |y: f64| {
            self.labels
                .iter()
                .any(|(lx, ly, lh)| (ly - y).abs() < 13.0 && (lx - x).abs() < lh + half + 4.0)
        };
        for _ in 0..6 {
            if !taken(y) {
                break;
            }
            y += 14.0;
        }
        self.labels.push((x, y, half));
        (x, y)
    }
}

/// The line, and where its label goes.
fn route(edge: &Edge, spots: &mut Spots) -> (String, (f64, f64)) {
    let (from, to) = (&edge.from, &edge.to);
    let gap = to.y - (from.y + from.h);
    let near = (10.0..90.0).contains(&gap);
    if near {
        let spread = 22.0;
        let reach = |b: &Box, n: f64| (n * spread).clamp(-b.w / 2.0 + 8.0, b.w / 2.0 - 8.0);
        // From one box to the next below: leaning towards where it goes.
        let lean =
            ((to.x + to.w / 2.0) - (from.x + from.w / 2.0)).clamp(-from.w / 4.0, from.w / 4.0);
        let x1 = from.x + from.w / 2.0 + lean + reach(from, spots.end(from, 'b')) * 0.7;
        let x2 = to.x + to.w / 2.0 - lean.signum() * (to.w / 6.0).min(lean.abs())
            + reach(to, spots.end(to, 't'));
        let (y1, y2) = (from.y + from.h, to.y);
        let bend = gap / 2.0;
        let path = format!(
            "M{x1:.1} {y1:.1}C{x1:.1} {:.1} {x2:.1} {:.1} {x2:.1} {y2:.1}",
            y1 + bend,
            y2 - bend
        );
        return (path, ((x1 + x2) / 2.0, f64::midpoint(y1, y2) + 4.0));
    }
    if from.x == to.x && from.y == to.y {
        let (x, y) = (from.x + from.w, from.y + from.h / 2.0);
        return (
            format!(
                "M{x:.1} {:.1}C{:.1} {:.1} {:.1} {:.1} {x:.1} {:.1}",
                y - 8.0,
                x + 34.0,
                y - 22.0,
                x + 34.0,
                y + 22.0,
                y + 8.0
            ),
            (x + 36.0, y + 4.0),
        );
    }
    beside(from, to, gap < 0.0, spots)
}

/// Around the boxes between: upwards on the right, downwards on the left.
fn beside(from: &Box, to: &Box, up: bool, spots: &mut Spots) -> (String, (f64, f64)) {
    spots.lanes += 1;
    let out = 26.0 + 9.0 * (spots.lanes % 4) as f64;
    let y1 = from.y + from.h / 2.0 + 7.0 * spots.end(from, if up { 'r' } else { 'l' });
    let y2 = to.y + to.h / 2.0 + 7.0 * spots.end(to, if up { 'r' } else { 'l' });
    let (x1, x2, lane) = if up {
        let (x1, x2) = (from.x + from.w, to.x + to.w);
        (x1, x2, x1.max(x2) + out)
    } else {
        (from.x, to.x, from.x.min(to.x) - out)
    };
    let path = format!(
        "M{x1:.1} {y1:.1}C{lane:.1} {y1:.1} {lane:.1} {y1:.1} {lane:.1} {:.1}L{lane:.1} {:.1}C{lane:.1} {y2:.1} {lane:.1} {y2:.1} {x2:.1} {y2:.1}",
        y1 + (y2 - y1).signum() * 24.0_f64.min((y2 - y1).abs() / 2.0),
        y2 - (y2 - y1).signum() * 24.0_f64.min((y2 - y1).abs() / 2.0)
    );
    (path, (lane, f64::midpoint(y1, y2)))
}
