//! Recursive descent over the tokens.
//!
//! ```text
//! all   = any { ["AND"] any }          juxtaposition is AND
//! any   = unary { "OR" unary }         OR binds tighter, as Gmail does it
//! unary = "-" unary | operator value | group | quoted | word
//! group = "(" all ")" | "{" unary* "}"
//! ```

use super::date;
use super::eval::Clock;
use super::label::label_name;
use super::lexer::{Token, tokens};
use super::{Node, Term, words};

/// Deeper nesting is ignored: a search must not overflow the stack.
const MAX_DEPTH: usize = 50;

pub(super) fn parse(text: &str, clock: Clock) -> Node {
    let mut parser = Parser { tokens: tokens(text), at: 0, clock };
    let mut nodes = Vec::new();
    while parser.at < parser.tokens.len() {
        nodes.push(parser.all(None, 0));
        // What stopped the parser here is a closing bracket that nothing opened: skip it.
        parser.at += 1;
    }
    join(nodes, Node::All)
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    clock: Clock,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    /// Takes the next token if it is this one.
    fn take(&mut self, token: &Token) -> bool {
        let found = self.peek() == Some(token);
        self.at += usize::from(found);
        found
    }

    /// `field` is the operator whose group this is, as in `from:(a OR b)`.
    fn all(&mut self, field: Option<&str>, depth: usize) -> Node {
        let mut nodes = Vec::new();
        while !matches!(self.peek(), None | Some(Token::Close | Token::CloseAny)) {
            if self.take(&Token::And) || self.take(&Token::Or) {
                continue;
            }
            nodes.push(self.any(field, depth));
        }
        join(nodes, Node::All)
    }

    fn any(&mut self, field: Option<&str>, depth: usize) -> Node {
        let mut nodes = vec![self.unary(field, depth)];
        while self.take(&Token::Or) {
            if !matches!(self.peek(), None | Some(Token::Close | Token::CloseAny)) {
                nodes.push(self.unary(field, depth));
            }
        }
        join(nodes, Node::Any)
    }

    fn unary(&mut self, field: Option<&str>, depth: usize) -> Node {
        let Some(token) = self.peek().cloned() else { return Node::Everything };
        self.at += 1;
        match token {
            Token::Minus => {
                let mut negative = true;
                while self.take(&Token::Minus) {
                    negative = !negative;
                }
                match self.unary(field, depth) {
                    Node::Everything => Node::Everything,
                    node if negative => Node::Not(Box::new(node)),
                    node => node,
                }
            }
            Token::Operator(name) => self.value(&name, field, depth),
            Token::Open | Token::OpenAny => self.group(&token, field, depth),
            Token::Quoted(text) | Token::Word(text) => self.leaf(field, &text),
            Token::Close | Token::CloseAny | Token::Or | Token::And => Node::Everything,
        }
    }

    fn group(&mut self, open: &Token, field: Option<&str>, depth: usize) -> Node {
        if depth >= MAX_DEPTH {
            return Node::Everything;
        }
        if *open == Token::Open {
            let node = self.all(field, depth + 1);
            self.take(&Token::Close);
            return node;
        }
        let mut nodes = Vec::new();
        while !matches!(self.peek(), None | Some(Token::Close | Token::CloseAny)) {
            nodes.push(self.unary(field, depth + 1));
        }
        self.take(&Token::CloseAny);
        join(nodes, Node::Any)
    }

    /// What follows `name:`.
    fn value(&mut self, name: &str, field: Option<&str>, depth: usize) -> Node {
        match self.peek().cloned() {
            Some(Token::Word(text) | Token::Quoted(text)) => {
                self.at += 1;
                self.leaf(Some(name), &text)
            }
            Some(open @ (Token::Open | Token::OpenAny)) => {
                self.at += 1;
                self.group(&open, Some(name), depth)
            }
            // "subject:" alone is a word.
            _ => self.leaf(field, name),
        }
    }

    fn leaf(&self, field: Option<&str>, text: &str) -> Node {
        let text_term = |text: &str| match words(text) {
            words if words.is_empty() => Node::Everything,
            words => Node::Term(Term::Words(words)),
        };
        match field {
            None => text_term(text),
            Some(name) => match operator(name, text, self.clock) {
                Some(Term::Header(_, words)) if words.is_empty() => Node::Everything,
                Some(term) => Node::Term(term),
                // No operator, or a value that it cannot take: plain text, as Gmail does it.
                None => text_term(&format!("{name}:{text}")),
            },
        }
    }
}

fn operator(name: &str, value: &str, clock: Clock) -> Option<Term> {
    let lower = value.to_lowercase();
    Some(match name {
        "from" => Term::Header("From", words(value)),
        "to" => Term::Header("To", words(value)),
        "cc" => Term::Header("Cc", words(value)),
        "bcc" => Term::Header("Bcc", words(value)),
        "subject" => Term::Header("Subject", words(value)),
        "deliveredto" => Term::Header("Delivered-To", words(value)),
        "label" => Term::Label(label_name(value)),
        "category" => Term::Label(format!("category-{}", label_name(value))),
        "in" if lower == "anywhere" => Term::Anywhere,
        "in" => Term::Label(label_name(if lower == "drafts" { "draft" } else { value })),
        "is" => match lower.as_str() {
            "unread" | "starred" | "important" | "sent" => Term::Label(lower),
            "read" => Term::Read,
            _ => Term::Nothing,
        },
        "has" => match lower.as_str() {
            "attachment" => Term::HasAttachment,
            "userlabels" => Term::HasUserLabels,
            _ => Term::Nothing,
        },
        "filename" => Term::Filename(words(value)),
        "before" | "older" => Term::Before(date::day(value)?),
        "after" | "newer" => Term::After(date::day(value)?),
        "newer_than" => Term::After(date::ago(&lower, clock.now_ms)?),
        "older_than" => Term::Before(date::ago(&lower, clock.now_ms)?),
        "larger" | "size" => Term::Larger(size(&lower)?),
        "smaller" => Term::Smaller(size(&lower)?),
        "rfc822msgid" => Term::MessageId(value.trim_matches(['<', '>']).to_owned()),
        _ => return None,
    })
}

/// Bytes, or with `k`, `m`.
fn size(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(['b', 'k', 'm']);
    let factor = match &text[digits.len()..] {
        "" => 1,
        "k" | "kb" => 1024,
        "m" | "mb" => 1024 * 1024,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

/// One node stands for itself, none for everything.
fn join(mut nodes: Vec<Node>, make: fn(Vec<Node>) -> Node) -> Node {
    nodes.retain(|node| *node != Node::Everything);
    match nodes.len() {
        0 => Node::Everything,
        1 => nodes.remove(0),
        _ => make(nodes),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CLOCK: Clock = Clock { now_ms: crate::world::FIXED_NOW_MS };

    fn text(word: &str) -> Node {
        Node::Term(Term::Words(words(word)))
    }

    #[test]
    fn or_binds_tighter_than_juxtaposition() {
        let tree = parse("a OR b c", CLOCK);
        assert_eq!(tree, Node::All(vec![Node::Any(vec![text("a"), text("b")]), text("c")]));
        assert_eq!(parse("{a b} AND c", CLOCK), tree);
        assert_eq!(parse("(a | b) c", CLOCK), tree);
    }

    #[test]
    fn groups_spread_their_operator() {
        let from = |w: &str| Node::Term(Term::Header("From", words(w)));
        let both = Node::Any(vec![from("ann"), from("bob@x.example")]);
        assert_eq!(parse("from:(ann OR bob@x.example)", CLOCK), both);
        assert_eq!(parse("from:{ann bob@x.example}", CLOCK), both);
        assert_eq!(parse("FROM:\"ann\"", CLOCK), from("ann"));
        assert_eq!(parse("-from:ann", CLOCK), Node::Not(Box::new(from("ann"))));
    }

    #[test]
    fn what_is_no_operator_is_text() {
        assert_eq!(parse("foo-bar", CLOCK), text("foo bar"));
        assert_eq!(parse("re:hello", CLOCK), text("re hello"));
        assert_eq!(parse("before:soon", CLOCK), text("before soon"));
        assert_eq!(parse("subject:", CLOCK), text("subject"));
        for nothing in ["", "  ", "()", ")(", "OR", "- ", "&", "{", "\"\"", "from:\"\""] {
            assert_eq!(parse(nothing, CLOCK), Node::Everything, "{nothing}");
        }
    }

    #[test]
    fn stray_brackets_and_deep_nesting_do_no_harm() {
        assert_eq!(parse("a) b", CLOCK), Node::All(vec![text("a"), text("b")]));
        parse(&"(".repeat(200_000), CLOCK);
        parse(&"-".repeat(200_000), CLOCK);
        parse(&"from:{".repeat(50_000), CLOCK);
    }

    #[test]
    fn sizes_take_units() {
        assert_eq!(size("10"), Some(10));
        assert_eq!(size("2k"), Some(2048));
        assert_eq!(size("1mb"), Some(1_048_576));
        assert_eq!(size("x"), None);
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC*") {
            parse(&text, CLOCK);
        }

        #[test]
        fn never_panics_on_its_own_alphabet(
            parts in proptest::collection::vec(
                proptest::sample::select(vec![
                    "(", ")", "{", "}", "\"", "-", " ", "OR", "AND", "from:", "label:", "before:",
                    "newer_than:", "2d", "99999999999999999999y", "2026/01/01", "2026-13-45", "é",
                    "larger:", "9m", ":", "“", "日本",
                ]),
                0..40,
            )
        ) {
            parse(&parts.concat(), CLOCK);
        }
    }
}
