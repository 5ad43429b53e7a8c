//! Cuts a search into tokens.

/// A piece of a search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    Open,
    Close,
    OpenAny,
    CloseAny,
    Minus,
    Or,
    And,
    /// `name:` directly followed by its value, a quote or a group.
    Operator(String),
    Quoted(String),
    Word(String),
}

pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut rest = text;
    let mut tokens = Vec::new();
    // A minus means "not" only where a term begins: "foo-bar" is one word.
    let mut fresh = true;
    while let Some(first) = rest.chars().next() {
        let after = &rest[first.len_utf8()..];
        let simple = match first {
            '(' => Some(Token::Open),
            ')' => Some(Token::Close),
            '{' => Some(Token::OpenAny),
            '}' => Some(Token::CloseAny),
            '-' if fresh => Some(Token::Minus),
            _ => None,
        };
        if let Some(token) = simple {
            fresh = !matches!(token, Token::Close | Token::CloseAny);
            tokens.push(token);
            rest = after;
        } else if first.is_whitespace() {
            fresh = true;
            rest = after;
        } else if is_quote(first) {
            let end = after.find(is_quote).unwrap_or(after.len());
            tokens.push(Token::Quoted(after[..end].to_owned()));
            rest = after[end..].chars().next().map_or("", |q| &after[end + q.len_utf8()..]);
            fresh = true;
        } else {
            let end = rest.find(ends_word).unwrap_or(rest.len());
            let (word, tail) = rest.split_at(end);
            push_word(word, &mut tokens);
            rest = tail;
            fresh = false;
        }
    }
    tokens
}

/// Pushes what `word` makes; an operator takes its colon only, its value is a token of its own.
fn push_word(word: &str, tokens: &mut Vec<Token>) {
    match word.split_once(':') {
        Some((name, value)) if is_operator_name(name) => {
            tokens.push(Token::Operator(name.to_lowercase()));
            if !value.is_empty() {
                tokens.push(Token::Word(value.to_owned()));
            }
        }
        _ if word == "OR" || word == "|" => tokens.push(Token::Or),
        _ if word == "AND" => tokens.push(Token::And),
        _ => tokens.push(Token::Word(word.to_owned())),
    }
}

fn is_operator_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '“' | '”')
}

fn ends_word(c: char) -> bool {
    c.is_whitespace() || is_quote(c) || matches!(c, '(' | ')' | '{' | '}')
}
