//! Finds JSDoc comments in a source and splits them into tags.

/// One `/** ... */` comment.
#[derive(Debug, Default)]
pub struct Block {
    /// Text before the first tag; blank lines part paragraphs.
    pub description: Option<String>,
    /// Tags in order.
    pub tags: Vec<Tag>,
    /// Whether `module.exports` or `export default` follows at once.
    pub before_export: bool,
}

/// `@name body`.
#[derive(Debug)]
pub struct Tag {
    /// The word after `@`.
    pub name: String,
    /// The rest, its lines joined by one space.
    pub body: String,
}

/// Whether a tag describes a parameter.
pub fn is_param(tag: &str) -> bool {
    matches!(tag, "param" | "arg" | "argument")
}

/// All JSDoc comments of a source, in order.
pub fn blocks(code: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut rest = code;
    while let Some((inside, after)) = next_comment(rest) {
        let mut block = parse(inside);
        let next = after.trim_start();
        block.before_export = next.starts_with("module.exports")
            || next.starts_with("export default")
            || next.starts_with("exports.");
        found.push(block);
        rest = after;
    }
    found
}

/// The inside of the next `/** */` and what follows it. Strings and other comments are skipped;
/// a quote inside a regular expression may hide a comment up to the end of its line.
fn next_comment(code: &str) -> Option<(&str, &str)> {
    let mut at = 0;
    loop {
        let rest = code.get(at..)?;
        let here = rest.find(['"', '\'', '`', '/'])?;
        let rest = &rest[here..];
        at += here;
        if rest.starts_with("//") {
            at += rest.find('\n')?;
        } else if rest.starts_with("/*") {
            let jsdoc = rest.starts_with("/**") && !rest.starts_with("/**/");
            let open = if jsdoc { 3 } else { 2 };
            let close = open + rest[open..].find("*/")?;
            if jsdoc {
                return Some((&rest[open..close], &rest[close + 2..]));
            }
            at += close + 2;
        } else if rest.starts_with('/') {
            at += 1;
        } else {
            at += string_len(rest);
        }
    }
}

/// Bytes of the string literal at the start of `text`. A quote without an end in its line is taken
/// for one character: it is no string.
fn string_len(text: &str) -> usize {
    let quote = text.as_bytes()[0];
    let mut escaped = false;
    for (i, b) in text.bytes().enumerate().skip(1) {
        match b {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'\n' if quote != b'`' => return 1,
            b if b == quote => return i + 1,
            _ => {}
        }
    }
    1
}

fn parse(inside: &str) -> Block {
    let mut block = Block::default();
    let mut description = String::new();
    for line in inside.lines() {
        let line = line.trim();
        let line = line.strip_prefix('*').unwrap_or(line).trim();
        if let Some(tag) = line.strip_prefix('@') {
            let (name, body) = tag.split_once(char::is_whitespace).unwrap_or((tag, ""));
            block.tags.push(Tag { name: name.to_owned(), body: body.trim().to_owned() });
        } else if let Some(tag) = block.tags.last_mut() {
            join(&mut tag.body, line);
        } else {
            join(&mut description, line);
        }
    }
    let tagged = block.tags.iter().find(|t| matches!(t.name.as_str(), "description" | "desc"));
    let text = if description.trim().is_empty() {
        tagged.map(|t| t.body.clone())
    } else {
        Some(description)
    };
    block.description = text.map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
    block
}

fn join(text: &mut String, line: &str) {
    if line.is_empty() {
        if !text.is_empty() && !text.ends_with('\n') {
            text.push_str("\n\n");
        }
        return;
    }
    if !text.is_empty() && !text.ends_with('\n') {
        text.push(' ');
    }
    text.push_str(line);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_and_other_comments_hold_no_blocks() {
        let code = "const a = '/** no */', b = `/** no ${1} */`, c = \"\\\"/** no */\";\n\
            // /** no */\n/* /** no */ /** yes */ const d = 4 / 2; it's /** too */";
        let found: Vec<_> = blocks(code).into_iter().filter_map(|b| b.description).collect();
        assert_eq!(found, ["yes", "too"]);
    }

    #[test]
    fn tags_run_over_lines() {
        let b = &blocks(
            "/**\n * Does\n * it.\n *\n * @param {string} x - one\n *   two\n * @returns\n */",
        )[0];
        assert_eq!(b.description.as_deref(), Some("Does it."));
        assert_eq!(b.tags[0].body, "{string} x - one two");
        assert_eq!((b.tags[1].name.as_str(), b.tags[1].body.as_str()), ("returns", ""));
    }

    #[test]
    fn a_description_tag_stands_in() {
        let b = &blocks("/** @description Does it. */ module.exports = 1")[0];
        assert_eq!(b.description.as_deref(), Some("Does it."));
        assert!(b.before_export);
    }
}
