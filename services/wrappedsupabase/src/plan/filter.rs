//! Conditions: `eq.5`, `not.in.(1,2)`, and trees of them with `and` and `or`.

use serde_json::Value;
use tasker_tables::{Compare, Condition, Field, Logic, Operand, Plan, Quantifier, Test, Words};

use super::{
    lexer::{Cursor, DEEPEST, Wrong},
    select::path,
};
use crate::chain::{Exact, js};

/// The operators, as requests write them.
const COMPARE: [(&str, Compare); 18] = [
    ("eq", Compare::Eq),
    ("neq", Compare::Neq),
    ("gte", Compare::Gte),
    ("gt", Compare::Gt),
    ("lte", Compare::Lte),
    ("lt", Compare::Lt),
    ("like", Compare::Like),
    ("ilike", Compare::Ilike),
    ("match", Compare::Match),
    ("imatch", Compare::Imatch),
    ("cs", Compare::Contains),
    ("cd", Compare::Contained),
    ("ov", Compare::Overlaps),
    ("sl", Compare::StrictlyLeft),
    ("sr", Compare::StrictlyRight),
    ("nxr", Compare::NotExtendsRight),
    ("nxl", Compare::NotExtendsLeft),
    ("adj", Compare::Adjacent),
];

const SEARCH: [(&str, Plan); 4] =
    [("fts", Plan::Query), ("plfts", Plan::Plain), ("phfts", Plan::Phrase), ("wfts", Plan::Web)];

/// An operator that was read, before its value.
enum Operator {
    Compare(Compare, Option<Quantifier>),
    In,
    Is,
    Distinct,
    Search(Plan, Option<String>),
}

/// The name of a filter: embedded tables, and the column.
pub fn column(key: &str) -> Result<(Vec<String>, Field), Wrong> {
    let mut c = Cursor::new("filter", key);
    let mut tables = Vec::new();
    let mut name = c.name()?;
    while c.eat(".") {
        tables.push(std::mem::replace(&mut name, c.name()?));
    }
    let field = path(&mut c, name)?;
    c.end()?;
    Ok((tables, field))
}

/// A filter's operator and value. `exact` is what the value was before it became text.
pub fn test(text: &str, exact: Option<&Exact>) -> Result<(bool, Test), Wrong> {
    let mut c = Cursor::new("filter", text);
    let negated = c.eat("not.");
    let operator = operator(&mut c)?;
    let (operator, test) = match (operator, exact) {
        // Only null is null, however a comparison with it is written.
        (Operator::Compare(Compare::Eq, None), Some(Exact::Null)) => {
            return Ok((negated, Test::Is(Words::Null)));
        }
        (Operator::Compare(Compare::Neq, None), Some(Exact::Null)) => {
            return Ok((negated, Test::Is(Words::NotNull)));
        }
        (Operator::In, Some(Exact::List(all))) => {
            let all = all.iter().map(|v| js::text(&js::part(v))).collect();
            return Ok((negated, Test::In(all)));
        }
        (Operator::Compare(compare, quantifier), Some(Exact::List(all))) => {
            let all = all.iter().map(|v| match js::part(v) {
                Value::String(text) => tasker_core::json::of(&pattern(compare, &text)),
                _ => v.clone(),
            });
            return Ok((negated, Test::Compare(compare, quantifier, Operand::List(all.collect()))));
        }
        (operator, _) => (operator, c.rest()),
    };
    if matches!(operator, Operator::In) {
        let all = list(&mut c)?;
        c.end()?;
        return Ok((negated, Test::In(all)));
    }
    Ok((negated, with_value(&c, operator, test.to_owned())?))
}

/// Reads `not.` and all: `(a.eq.1,or(b.gt.2,c.is.null))`, the outermost word left out.
pub fn tree(text: &str) -> Result<Condition, Wrong> {
    let mut c = Cursor::new("logic tree", text);
    let condition = branches(&mut c, Logic::Or, false, 0)?;
    c.end()?;
    Ok(condition)
}

fn branches(
    c: &mut Cursor<'_>,
    logic: Logic,
    negated: bool,
    depth: usize,
) -> Result<Condition, Wrong> {
    if depth > DEEPEST {
        return Err(c.wrong("fewer levels"));
    }
    c.expect("(")?;
    let mut all = Vec::new();
    loop {
        c.blanks();
        all.push(branch(c, depth)?);
        c.blanks();
        if !c.eat(",") {
            break;
        }
    }
    c.expect(")")?;
    Ok(Condition::Several { logic, negated, all })
}

fn branch(c: &mut Cursor<'_>, depth: usize) -> Result<Condition, Wrong> {
    for (word, logic, negated) in [
        ("not.and(", Logic::And, true),
        ("not.or(", Logic::Or, true),
        ("and(", Logic::And, false),
        ("or(", Logic::Or, false),
    ] {
        if c.rest().starts_with(word) {
            c.eat(&word[..word.len() - 1]);
            return branches(c, logic, negated, depth + 1);
        }
    }
    let name = c.name()?;
    let field = path(c, name)?;
    c.expect(".")?;
    let negated = c.eat("not.");
    let operator = operator(c)?;
    let test = if matches!(operator, Operator::In) {
        Test::In(list(c)?)
    } else {
        let value = value(c)?;
        with_value(c, operator, value)?
    };
    Ok(Condition::Test { field, negated, test })
}

/// A value among others: quoted, an array, or all up to the next comma or parenthesis.
fn value(c: &mut Cursor<'_>) -> Result<String, Wrong> {
    if let Some(text) = c.quoted()? {
        return Ok(text);
    }
    if c.peek() != Some('{') {
        return Ok(c.take(|l| !matches!(l, ',' | ')')).to_owned());
    }
    let rest = c.rest();
    let (mut depth, mut quotes) = (0, false);
    for (i, letter) in rest.char_indices() {
        match letter {
            '"' => quotes = !quotes,
            '{' if !quotes => depth += 1,
            '}' if !quotes => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            let text = &rest[..=i];
            c.eat(text);
            return Ok(text.to_owned());
        }
    }
    Err(c.wrong("\"}\""))
}

/// `(a,"b,c")`.
fn list(c: &mut Cursor<'_>) -> Result<Vec<String>, Wrong> {
    c.expect("(")?;
    let mut all = Vec::new();
    if c.eat(")") {
        return Ok(all);
    }
    loop {
        all.push(match c.quoted()? {
            Some(text) => text,
            None => c.take(|l| !matches!(l, ',' | ')')).to_owned(),
        });
        if !c.eat(",") {
            break;
        }
    }
    c.expect(")")?;
    Ok(all)
}

fn operator(c: &mut Cursor<'_>) -> Result<Operator, Wrong> {
    let before = c.rest();
    let word = before.split(['.', '(']).next().unwrap_or_default();
    let compare = COMPARE.iter().find(|(name, _)| *name == word).map(|(_, o)| *o);
    let search = SEARCH.iter().find(|(name, _)| *name == word).map(|(_, o)| *o);
    let found = match (compare, search, word) {
        (Some(compare), ..) => {
            c.eat(word);
            Operator::Compare(compare, quantifier(c, compare))
        }
        (_, Some(search), _) => {
            c.eat(word);
            let mut config = None;
            if c.eat("(") {
                config = Some(c.take(|l| l != ')').to_owned());
                c.expect(")")?;
            }
            Operator::Search(search, config)
        }
        (.., "in") => Operator::In,
        (.., "is") => Operator::Is,
        (.., "isdistinct") => Operator::Distinct,
        _ => {
            let names: Vec<&str> = COMPARE.iter().map(|(name, _)| *name).collect();
            return Err(c.wrong(&format!(
                "an operator: {}, in, is, isdistinct, fts, plfts, phfts, wfts",
                names.join(", ")
            )));
        }
    };
    if compare.is_none() && search.is_none() {
        c.eat(word);
    }
    c.expect(".")?;
    Ok(found)
}

fn quantifier(c: &mut Cursor<'_>, compare: Compare) -> Option<Quantifier> {
    let takes = matches!(
        compare,
        Compare::Eq
            | Compare::Gt
            | Compare::Gte
            | Compare::Lt
            | Compare::Lte
            | Compare::Like
            | Compare::Ilike
            | Compare::Match
            | Compare::Imatch
    );
    match () {
        () if takes && c.eat("(any)") => Some(Quantifier::Any),
        () if takes && c.eat("(all)") => Some(Quantifier::All),
        () => None,
    }
}

fn with_value(c: &Cursor<'_>, operator: Operator, text: String) -> Result<Test, Wrong> {
    Ok(match operator {
        Operator::Compare(compare, quantifier) => {
            Test::Compare(compare, quantifier, Operand::Text(pattern(compare, &text)))
        }
        Operator::Is => Test::Is(match text.to_ascii_lowercase().as_str() {
            "null" => Words::Null,
            "not_null" => Words::NotNull,
            "true" => Words::True,
            "false" => Words::False,
            "unknown" => Words::Unknown,
            _ => return Err(c.wrong("null, not_null, true, false or unknown")),
        }),
        Operator::Distinct => Test::Distinct(text),
        Operator::Search(kind, config) => Test::Search { kind, config, query: text },
        // Read by its callers, who know where the list ends.
        Operator::In => Test::In(vec![text]),
    })
}

/// In patterns `*` is another word for `%`, as PostgREST has it.
fn pattern(compare: Compare, text: &str) -> String {
    if matches!(compare, Compare::Like | Compare::Ilike) {
        return text.replace('*', "%");
    }
    text.to_owned()
}
