//! A place in a text of PostgREST's grammar.

/// What is wrong with a text: its name, the text, the place, what stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// `select parameter`, `filter`, `logic tree`, `order`.
    pub what: &'static str,
    /// The text.
    pub text: String,
    /// Place, in characters from 1.
    pub column: usize,
    /// What stands there, and what should.
    pub details: String,
}

/// Deepest nesting of embeds and of logic.
pub const DEEPEST: usize = 24;

/// A place in a text.
pub struct Cursor<'a> {
    what: &'static str,
    text: &'a str,
    at: usize,
}

type Read<T> = Result<T, Wrong>;

impl<'a> Cursor<'a> {
    /// The beginning of a text.
    pub fn new(what: &'static str, text: &'a str) -> Self {
        Self { what, text, at: 0 }
    }

    /// What is left.
    pub fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// The next character.
    pub fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Whether nothing is left.
    pub fn is_done(&self) -> bool {
        self.rest().is_empty()
    }

    /// Whether a word comes next; it is read.
    pub fn eat(&mut self, word: &str) -> bool {
        let eaten = self.rest().starts_with(word);
        if eaten {
            self.at += word.len();
        }
        eaten
    }

    /// A word that must come next.
    pub fn expect(&mut self, word: &str) -> Read<()> {
        if self.eat(word) { Ok(()) } else { Err(self.wrong(&format!("\"{word}\""))) }
    }

    /// Skips blanks.
    pub fn blanks(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    /// Nothing may be left.
    pub fn end(&self) -> Read<()> {
        if self.is_done() { Ok(()) } else { Err(self.wrong("end of input")) }
    }

    /// The error of this place.
    pub fn wrong(&self, expected: &str) -> Wrong {
        let found = self.peek().map_or_else(|| "end of input".into(), |c| format!("'{c}'"));
        let short = |t: &str| t.chars().take(200).collect::<String>();
        Wrong {
            what: self.what,
            text: short(self.text),
            column: self.text[..self.at].chars().count() + 1,
            details: format!("unexpected {found} expecting {expected}"),
        }
    }

    /// All characters that fit.
    pub fn take(&mut self, fits: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.find(|c| !fits(c)).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    /// Text in double quotes, a backslash before what is meant as it stands.
    pub fn quoted(&mut self) -> Read<Option<String>> {
        if !self.eat("\"") {
            return Ok(None);
        }
        let mut text = String::new();
        loop {
            let Some(c) = self.peek() else { return Err(self.wrong("\"\\\"\"")) };
            self.at += c.len_utf8();
            match c {
                '"' => return Ok(Some(text)),
                '\\' => {
                    let Some(c) = self.peek() else { return Err(self.wrong("a character")) };
                    self.at += c.len_utf8();
                    text.push(c);
                }
                c => text.push(c),
            }
        }
    }

    /// A name: letters, digits, `_`, `$`, blanks inside, dashes but not arrows; or quoted.
    pub fn name(&mut self) -> Read<String> {
        if let Some(name) = self.quoted()? {
            return Ok(name);
        }
        let start = self.at;
        loop {
            self.take(|c| c.is_alphanumeric() || matches!(c, '_' | '$' | ' '));
            if !self.rest().starts_with('-') || self.rest().starts_with("->") {
                break;
            }
            self.at += 1;
        }
        let name = self.text[start..self.at].trim();
        if name.is_empty() {
            return Err(self.wrong("field name (* or [a..z0..9_$])"));
        }
        Ok(name.to_owned())
    }
}
