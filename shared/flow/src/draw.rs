//! A flow as SVG: boxes in boxes, ranked from the initial state downwards.

mod edges;
mod layout;

use std::fmt::Write as _;

use crate::model::{Flow, Kind, Node};
use layout::{Box as Drawn, HEAD, LINE};

const STYLE: &str = "text{font:12px system-ui,sans-serif;fill:#1f2933}.t{font-weight:600}.s{fill:#52606d;font-size:11px}\
.l{font-size:11px;fill:#334e68;paint-order:stroke;stroke:#fff;stroke-width:4px;stroke-linejoin:round}\
.b{fill:#fff;stroke:#627d98;stroke-width:1.3}.c{fill:#f5f7fa}.f{fill:#e3f9e5;stroke:#3f9142}\
.e{fill:none;stroke:#486581;stroke-width:1.3}.err{stroke:#ba2525}.p{stroke-dasharray:5 4}";
const HEADS: &str = r##"<marker id="a" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path d="M0 0L10 5L0 10z" fill="#486581"/></marker><marker id="r" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path d="M0 0L10 5L0 10z" fill="#ba2525"/></marker>"##;

impl Flow {
    /// The flow as an SVG document.
    pub fn svg(&self) -> String {
        let drawn = layout::of(&self.root, &self.id);
        let mut boxes = String::new();
        draw(&self.root, &drawn, &mut boxes);
        let (edges, lane) = edges::draw(&self.root, &drawn);
        let (width, height) = (drawn.w + lane + 20.0, drawn.h + 20.0);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"-10 -10 {width:.0} {height:.0}\">\
             <title>{}</title><defs>{HEADS}<style>{STYLE}</style></defs>\
             <rect x=\"-10\" y=\"-10\" width=\"{width:.0}\" height=\"{height:.0}\" fill=\"#fff\"/>{boxes}{edges}</svg>\n",
            escape(&self.id)
        )
    }
}

fn draw(node: &Node, drawn: &Drawn, out: &mut String) {
    let class = match node.kind {
        Kind::Final => "b f",
        Kind::Atomic => "b",
        _ => "b c",
    };
    let dashed = if drawn.region { " p" } else { "" };
    let Drawn { x, y, w, h, .. } = *drawn;
    let _ = write!(
        out,
        "<rect class=\"{class}{dashed}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{w:.1}\" height=\"{h:.1}\" rx=\"8\"/>"
    );
    if node.kind == Kind::Final {
        let _ = write!(
            out,
            "<rect class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"6\"/>",
            x + 3.0,
            y + 3.0,
            w - 6.0,
            h - 6.0
        );
    }
    let center = x + w / 2.0;
    let _ = write!(
        out,
        "<text class=\"t\" x=\"{center:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
        y + HEAD - 8.0,
        escape(&drawn.title)
    );
    for (i, line) in drawn.lines.iter().enumerate() {
        let at = y + HEAD + LINE * (i as f64 + 0.6);
        let _ = write!(
            out,
            "<text class=\"s\" x=\"{center:.1}\" y=\"{at:.1}\" text-anchor=\"middle\">{}</text>",
            escape(line)
        );
    }
    for (child, inner) in node.states.iter().zip(&drawn.inside) {
        if Some(&child.key) == node.initial.as_ref() {
            let (x, y) = (inner.x + inner.w / 2.0, inner.y);
            let _ = write!(
                out,
                "<circle cx=\"{x:.1}\" cy=\"{:.1}\" r=\"4\" fill=\"#486581\"/><path class=\"e\" marker-end=\"url(#a)\" d=\"M{x:.1} {:.1}L{x:.1} {y:.1}\"/>",
                y - 20.0,
                y - 16.0
            );
        }
        draw(child, inner, out);
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
