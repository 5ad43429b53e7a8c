//! Arrows that pass other boxes: down or up a lane beside them.

use std::fmt::Write as _;

use super::{Box, Point, Spots, center};

/// Radius of a corner.
const CORNER: f64 = 8.0;

/// Of the ways on both sides the one that crosses the fewest boxes, and then the shortest.
pub fn route(from: &Box, to: &Box, all: &[Box], spots: &mut Spots) -> (String, Point) {
    spots.lanes += 1;
    let out = 22.0 + 9.0 * f64::from(spots.lanes % 4);
    // Boxes that both ends lie in are no obstacles.
    let obstacles: Vec<&Box> =
        all.iter().filter(|b| !(contains(b, from) && contains(b, to))).collect();
    let ways = [-1.0, 1.0].into_iter().flat_map(|side| {
        let lane = lane(from, to, &obstacles, side, out);
        [by_sides(from, to, lane), by_gaps(from, to, lane)]
    });
    let cost = |way: &Vec<Point>| {
        let crossed = obstacles.iter().filter(|b| crosses(way, b)).count();
        crossed as f64 * 10_000.0 + length(way)
    };
    let best = ways.min_by(|a, b| cost(a).total_cmp(&cost(b))).unwrap_or_default();
    let label = longest(&best);
    (rounded(&best), label)
}

fn contains(outer: &Box, inner: &Box) -> bool {
    outer.x <= inner.x
        && outer.y <= inner.y
        && outer.x + outer.w >= inner.x + inner.w
        && outer.y + outer.h >= inner.y + inner.h
        && outer.w > inner.w
}

/// Where nothing between the two ends is in the way.
fn lane(from: &Box, to: &Box, obstacles: &[&Box], side: f64, out: f64) -> f64 {
    let (top, bottom) = (from.y.min(to.y), (from.y + from.h).max(to.y + to.h));
    let between = obstacles.iter().filter(|b| b.y < bottom && b.y + b.h > top);
    let edge = |b: &Box| if side < 0.0 { b.x } else { b.x + b.w };
    between.map(|b| edge(b) * side).fold(f64::MIN, f64::max) * side + out * side
}

fn by_sides(from: &Box, to: &Box, lane: f64) -> Vec<Point> {
    let x = |b: &Box| if lane < b.x { b.x } else { b.x + b.w };
    let y = |b: &Box| b.y + b.h / 2.0;
    vec![(x(from), y(from)), (lane, y(from)), (lane, y(to)), (x(to), y(to))]
}

fn by_gaps(from: &Box, to: &Box, lane: f64) -> Vec<Point> {
    let (low, high) = (from.y + from.h + 16.0, to.y - 26.0);
    vec![
        (center(from), from.y + from.h),
        (center(from), low),
        (lane, low),
        (lane, high),
        (center(to) + 18.0, high),
        (center(to) + 18.0, to.y),
    ]
}

/// Whether the way goes through a box; touching its border at an end does not count.
fn crosses(way: &[Point], of: &Box) -> bool {
    let (left, right, top, bottom) = (of.x + 1.0, of.x + of.w - 1.0, of.y + 1.0, of.y + of.h - 1.0);
    way.windows(2).any(|pair| {
        let (a, b) = (pair[0], pair[1]);
        a.0.min(b.0) < right && a.0.max(b.0) > left && a.1.min(b.1) < bottom && a.1.max(b.1) > top
    })
}

fn length(way: &[Point]) -> f64 {
    way.windows(2).map(|p| (p[0].0 - p[1].0).abs() + (p[0].1 - p[1].1).abs()).sum()
}

/// The middle of the longest piece.
fn longest(way: &[Point]) -> Point {
    let size = |p: &[Point]| length(p);
    let piece = way.windows(2).max_by(|a, b| size(a).total_cmp(&size(b)));
    piece.map_or((0.0, 0.0), |p| (f64::midpoint(p[0].0, p[1].0), f64::midpoint(p[0].1, p[1].1)))
}

fn rounded(way: &[Point]) -> String {
    let mut path = String::new();
    for (i, (x, y)) in way.iter().enumerate() {
        if i == 0 {
            let _ = write!(path, "M{x:.1} {y:.1}");
        } else if i + 1 == way.len() {
            let _ = write!(path, "L{x:.1} {y:.1}");
        } else {
            let (before, after) = (toward((*x, *y), way[i - 1]), toward((*x, *y), way[i + 1]));
            let _ = write!(
                path,
                "L{:.1} {:.1}Q{x:.1} {y:.1} {:.1} {:.1}",
                before.0, before.1, after.0, after.1
            );
        }
    }
    path
}

/// A corner's radius from one point towards another.
fn toward(from: Point, to: Point) -> Point {
    let distance = (to.0 - from.0).hypot(to.1 - from.1);
    let part = if distance > 0.0 { (CORNER / distance).min(0.5) } else { 0.0 };
    (from.0 + (to.0 - from.0) * part, from.1 + (to.1 - from.1) * part)
}
