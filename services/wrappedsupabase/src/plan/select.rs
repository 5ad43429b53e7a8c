//! What is selected: columns with aliases, casts, JSON paths and aggregates; related tables.

use tasker_tables::{
    Aggregate, Embed, Field, Item, Join, Order, OrderBy, PathStep, Read, SelectedValue,
};

use super::lexer::{Cursor, DEEPEST, Wrong};

/// Reads the `select` parameter.
pub fn items(text: &str) -> Result<Vec<Item>, Wrong> {
    let mut c = Cursor::new("select parameter", text);
    let items = list(&mut c, 0)?;
    c.end()?;
    Ok(items)
}

fn list(c: &mut Cursor<'_>, depth: usize) -> Result<Vec<Item>, Wrong> {
    if depth > DEEPEST {
        return Err(c.wrong("fewer levels"));
    }
    let mut items = Vec::new();
    c.blanks();
    while !c.is_done() && c.peek() != Some(')') {
        items.push(item(c, depth)?);
        c.blanks();
        if !c.eat(",") {
            break;
        }
        c.blanks();
        if c.is_done() || c.peek() == Some(')') {
            return Err(c.wrong("a column or a related table"));
        }
    }
    Ok(items)
}

fn item(c: &mut Cursor<'_>, depth: usize) -> Result<Item, Wrong> {
    if c.eat("...") {
        let target = c.name()?;
        return embed(c, depth, target, None, true);
    }
    if c.eat("*") {
        return Ok(Item::All);
    }
    let mut name = c.name()?;
    let mut alias = None;
    if c.peek() == Some(':') && !c.rest().starts_with("::") {
        c.eat(":");
        c.blanks();
        alias = Some(name);
        name = c.name()?;
    }
    if name == "count" && c.eat("()") {
        let cast = cast(c)?;
        let aggregate = Some((Aggregate::Count, cast));
        return Ok(Item::Value(SelectedValue { field: None, cast: None, aggregate, alias }));
    }
    if matches!(c.peek(), Some('(' | '!')) {
        return embed(c, depth, name, alias, false);
    }
    let field = path(c, name)?;
    let cast_to = cast(c)?;
    let aggregate = aggregate(c)?;
    Ok(Item::Value(SelectedValue { field: Some(field), cast: cast_to, aggregate, alias }))
}

fn embed(
    c: &mut Cursor<'_>,
    depth: usize,
    target: String,
    alias: Option<String>,
    spread: bool,
) -> Result<Item, Wrong> {
    let (mut hint, mut join) = (None, Join::Left);
    while c.eat("!") {
        match c.name()?.as_str() {
            "inner" => join = Join::Inner,
            "left" => join = Join::Left,
            name => hint = Some(name.to_owned()),
        }
    }
    c.expect("(")?;
    let items = list(c, depth + 1)?;
    c.expect(")")?;
    let read = Read { items, ..Read::default() };
    Ok(Item::Embed(Embed { target, hint, alias, join, spread, read }))
}

fn cast(c: &mut Cursor<'_>) -> Result<Option<String>, Wrong> {
    if !c.eat("::") {
        return Ok(None);
    }
    c.name().map(Some)
}

fn aggregate(c: &mut Cursor<'_>) -> Result<Option<(Aggregate, Option<String>)>, Wrong> {
    if !c.eat(".") {
        return Ok(None);
    }
    let words = [
        ("count()", Aggregate::Count),
        ("sum()", Aggregate::Sum),
        ("avg()", Aggregate::Avg),
        ("min()", Aggregate::Min),
        ("max()", Aggregate::Max),
    ];
    let Some((_, found)) = words.into_iter().find(|(word, _)| c.eat(word)) else {
        return Err(c.wrong("count(), sum(), avg(), min() or max()"));
    };
    Ok(Some((found, cast(c)?)))
}

/// A column that is not followed by anything but steps into its document.
pub fn path(c: &mut Cursor<'_>, column: String) -> Result<Field, Wrong> {
    let (mut path, mut text) = (Vec::new(), false);
    while c.rest().starts_with("->") {
        if text {
            return Err(c.wrong("nothing after ->>"));
        }
        text = c.eat("->>");
        if !text {
            c.eat("->");
        }
        path.push(path_step(c)?);
    }
    Ok(Field { column, path, text })
}

fn path_step(c: &mut Cursor<'_>) -> Result<PathStep, Wrong> {
    if let Some(key) = c.quoted()? {
        return Ok(PathStep::Key(key));
    }
    let before = c.rest();
    let mut length = 0;
    for (i, letter) in before.char_indices() {
        if matches!(letter, ',' | '(' | ')' | ':' | '.') || before[i..].starts_with("->") {
            break;
        }
        length = i + letter.len_utf8();
    }
    let key = before[..length].trim();
    c.eat(&before[..length]);
    match key.parse() {
        _ if key.is_empty() => Err(c.wrong("a key or an index")),
        Ok(index) if !key.starts_with('+') => Ok(PathStep::Index(index)),
        _ => Ok(PathStep::Key(key.to_owned())),
    }
}

/// Reads an `order` parameter.
pub fn order(text: &str) -> Result<Vec<Order>, Wrong> {
    let mut c = Cursor::new("order", text);
    let mut keys = Vec::new();
    loop {
        c.blanks();
        keys.push(key(&mut c)?);
        c.blanks();
        if !c.eat(",") {
            break;
        }
    }
    c.end()?;
    Ok(keys)
}

fn key(c: &mut Cursor<'_>) -> Result<Order, Wrong> {
    let name = c.name()?;
    let by = if c.eat("(") {
        let column = c.name()?;
        let field = path(c, column)?;
        c.expect(")")?;
        OrderBy::Related(name, field)
    } else {
        OrderBy::Field(path(c, name)?)
    };
    let mut order = Order { by, descending: false, nulls_first: None };
    if c.eat(".desc") {
        order.descending = true;
    } else {
        c.eat(".asc");
    }
    if c.eat(".nullsfirst") {
        order.nulls_first = Some(true);
    } else if c.eat(".nullslast") {
        order.nulls_first = Some(false);
    }
    Ok(order)
}
