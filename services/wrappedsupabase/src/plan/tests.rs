//! The grammars: what they read, and that nothing makes them fail otherwise than with an error.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};
use tasker_core::Json;
use tasker_tables::{Condition, Item};

use super::{filter, plan, select};
use crate::{
    chain::{self, Asked},
    fault::Fault,
    settings::Settings,
};

#[test]
fn selections() {
    let shown = |text: &str| match select::items(text) {
        Ok(items) => items.iter().map(shape).collect::<Vec<_>>().join(" "),
        Err(wrong) => format!("{} {}", wrong.column, wrong.details),
    };
    let cases = [
        ("*", "*"),
        ("", ""),
        ("id,n:name::text", "id n:name::text"),
        ("a->b->0->>c", "a->b[0]->>c"),
        ("a-b,a->b-c", "a-b a->b-c"),
        ("\"a,b\":\"c(d\"", "a,b:c(d"),
        ("amount.sum(),n:count(),x.avg()::int", "Sum(amount) n:count Avg(x)::int"),
        ("orders!fk!inner(*,...items(label))", "orders!fk!Inner(* ...items(label))"),
        ("x:orders!left()", "x:orders()"),
        ("a,", "3 unexpected end of input expecting a column or a related table"),
        ("a,,b", "3 unexpected ',' expecting field name (* or [a..z0..9_$])"),
        ("a(b", "4 unexpected end of input expecting \")\""),
        ("a)", "2 unexpected ')' expecting end of input"),
        ("a'b", "2 unexpected ''' expecting end of input"),
        ("\"a", "3 unexpected end of input expecting \"\\\"\""),
        ("a->>b->c", "6 unexpected '-' expecting nothing after ->>"),
        ("a.evil()", "3 unexpected 'e' expecting count(), sum(), avg(), min() or max()"),
    ];
    for (text, expected) in cases {
        assert_eq!(shown(text), expected, "{text}");
    }
    assert!(select::items(&"a(".repeat(5000)).is_err(), "no deeper than it should");
}

fn shape(item: &Item) -> String {
    let alias = |a: &Option<String>| a.as_ref().map_or(String::new(), |a| format!("{a}:"));
    match item {
        Item::All => "*".into(),
        Item::Value(v) => {
            let mut text = v.field.as_ref().map_or_else(
                || "count".into(),
                |f| {
                    let mut text = f.column.clone();
                    for (i, path_step) in f.path.iter().enumerate() {
                        let last = f.text && i + 1 == f.path.len();
                        text.push_str(&match path_step {
                            tasker_tables::PathStep::Index(n) => format!("[{n}]"),
                            tasker_tables::PathStep::Key(k) if last => format!("->>{k}"),
                            tasker_tables::PathStep::Key(k) => format!("->{k}"),
                        });
                    }
                    text
                },
            );
            if let (Some((word, _)), true) = (&v.aggregate, v.field.is_some()) {
                text = format!("{word:?}({text})");
            }
            let cast = v.aggregate.as_ref().and_then(|(_, c)| c.clone()).or_else(|| v.cast.clone());
            format!("{}{text}{}", alias(&v.alias), cast.map_or(String::new(), |c| format!("::{c}")))
        }
        Item::Embed(e) => {
            let hint = e.hint.as_ref().map_or(String::new(), |h| format!("!{h}"));
            let inner = if e.join == tasker_tables::Join::Inner { "!Inner" } else { "" };
            let inside: Vec<String> = e.read.items.iter().map(shape).collect();
            let spread = if e.spread { "..." } else { "" };
            format!("{spread}{}{}{hint}{inner}({})", alias(&e.alias), e.target, inside.join(" "))
        }
    }
}

#[test]
fn trees() {
    let Ok(Condition::Several { all, .. }) = filter::tree(
        "(a.eq.1,and(b.gt.2,c.is.null),not.or(d.in.(1,\"x,)\"),e.cs.{1,2}),f->>g.not.ilike.\"*a.b*\")",
    ) else {
        panic!("not read")
    };
    assert_eq!(all.len(), 4);
    for wrong in [
        "",
        "a.eq.1",
        "(",
        "()",
        "(a)",
        "(a.eq)",
        "(a.eq.1",
        "(a.odd.1)",
        "(and(a.eq.1)",
        "(a.in.1)",
        "(a.cs.{1)",
    ] {
        assert!(filter::tree(wrong).is_err(), "{wrong}");
    }
    let deep = format!("({}a.eq.1{}", "and(".repeat(5000), ")".repeat(5001));
    assert!(filter::tree(&deep).is_err(), "no deeper than it should");
}

/// Pieces that grammars are made of.
const PIECES: [&str; 72] = [
    "a",
    "b_c",
    "naïve",
    "\u{1F600}",
    "*",
    ",",
    ".",
    ":",
    "::",
    "(",
    ")",
    "!",
    "...",
    "->",
    "->>",
    "-",
    "\"",
    "\\",
    " ",
    "{",
    "}",
    "[",
    "]",
    "'",
    ";",
    "0",
    "-1",
    "99999999999",
    "1e9",
    "\u{0}",
    "\n",
    "%",
    "count()",
    "sum()",
    "count",
    "inner",
    "left",
    "eq.",
    "neq.",
    "gt.",
    "in.",
    "is.",
    "not.",
    "and(",
    "or(",
    "not.and(",
    "cs.",
    "fts(",
    "plfts.",
    "like(any).",
    "null",
    "true",
    "unknown",
    "isdistinct.",
    "match.",
    "sl.",
    "adj.",
    ".asc",
    ".desc",
    ".nullsfirst",
    ".nullslast",
    "text",
    "int4",
    "orders",
    "orders.items",
    "a->b",
    "a->>b",
    "(1,2)",
    "{1,2}",
    "\"x,y\"",
    "a.eq.1",
    "or(a.eq.1,b.gt.2)",
];

fn words(rng: &mut StdRng) -> String {
    let many = rng.random_range(0..24);
    (0..many).map(|_| *PIECES.choose(rng).unwrap_or(&"")).collect()
}

/// A JSON value of odd shape.
fn value(rng: &mut StdRng, depth: u32) -> serde_json::Value {
    match rng.random_range(0..if depth > 3 { 5 } else { 7 }) {
        0 => serde_json::Value::Null,
        1 => rng.random::<bool>().into(),
        2 => rng.random_range(-5..5_i64).into(),
        3 => rng.random::<f64>().into(),
        4 => words(rng).into(),
        5 => (0..rng.random_range(0..4)).map(|_| value(rng, depth + 1)).collect(),
        _ => {
            let names =
                ["property", "args", "type", "count", "head", "referencedTable", "a", "ascending"];
            let fields = (0..rng.random_range(0..4))
                .map(|_| ((*names.choose(rng).unwrap_or(&"a")).to_owned(), value(rng, depth + 1)));
            serde_json::Value::Object(fields.collect())
        }
    }
}

/// A chain that is sometimes right.
fn links(rng: &mut StdRng) -> serde_json::Value {
    let names = chain::names::Rest::NAMES;
    let mut links = vec![serde_json::json!({"property": "from", "args": [words(rng)]})];
    links.push(serde_json::json!({"property": "select", "args": [words(rng)]}));
    for _ in 0..rng.random_range(0..6) {
        let name = *names.choose(rng).unwrap_or(&"eq");
        let args: Vec<_> = (0..rng.random_range(0..4)).map(|_| value(rng, 0)).collect();
        links.push(serde_json::json!({"property": name, "args": args}));
    }
    links.into()
}

fn once(rng: &mut StdRng) {
    let text = words(rng);
    let _ = select::items(&text);
    let _ = select::order(&text);
    let _ = filter::column(&text);
    let _ = filter::test(&text, None);
    let _ = filter::tree(&text);
    let _ = filter::tree(&format!("({text})"));
    let body = if rng.random::<bool>() { links(rng) } else { value(rng, 0) };
    let body = tasker_core::json::of(&body);
    if let Ok(Asked::Rest(call)) = chain::read(&HashMap::from([("chain".to_owned(), body)])) {
        let planned: Result<_, Fault> = plan(&call, &Settings::default());
        drop(planned);
        let _ = super::guard(&call);
    }
}

/// `FUZZ_SECONDS=60` for longer; the seed is printed and can be given.
#[test]
fn nothing_breaks_the_parsers() {
    let number = |name: &str| std::env::var(name).ok().and_then(|n| n.parse::<u64>().ok());
    let seed = number("FUZZ_SEED").unwrap_or_else(rand::random);
    let time = Duration::from_secs(number("FUZZ_SECONDS").unwrap_or(2));
    eprintln!("FUZZ_SEED={seed}");
    let (began, mut rng, mut rounds) = (Instant::now(), StdRng::seed_from_u64(seed), 0_u64);
    while began.elapsed() < time {
        for _ in 0..200 {
            once(&mut rng);
        }
        rounds += 200;
    }
    eprintln!("{rounds} rounds of 8 parsers in {:?}", began.elapsed());
}

#[test]
fn rows_keep_their_bytes() {
    let text = r#"{"chain":[{"property":"from","args":["t"]},{"property":"insert","args":[[{"a":1.50,"b":{"x":1,"x":2}},{"a":12345678901234567890123}]]}]}"#;
    let body: HashMap<String, Json> = serde_json::from_str(text).unwrap();
    let Ok(Asked::Rest(call)) = chain::read(&body) else { panic!("not read") };
    let query = plan(&call, &Settings::default()).unwrap();
    let shown = format!("{:?}", query.action);
    for kept in ["1.50", r#"{"x":1,"x":2}"#, "12345678901234567890123"] {
        assert!(shown.contains(kept), "{shown}");
    }
}
