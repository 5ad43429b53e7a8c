//! A message in full.

use crate::rng::Rng;

/// A header as it stands in the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// In the message's own letter case.
    pub name: String,
    /// Decoded text.
    pub value: String,
}

/// A file that comes with a message.
#[derive(Debug, Clone)]
pub struct Attachment {
    /// What `attachments.get` takes.
    pub id: String,
    /// As the sender named it.
    pub filename: String,
    /// MIME type.
    pub mime: String,
    /// Bytes.
    pub size: usize,
    pub(super) content: Content,
}

/// Made when needed, or kept as a client sent it.
#[derive(Debug, Clone)]
pub(super) enum Content {
    Made(u64),
    Kept(Vec<u8>),
}

impl Attachment {
    /// The file's bytes.
    pub fn bytes(&self) -> Vec<u8> {
        match &self.content {
            Content::Kept(bytes) => bytes.clone(),
            Content::Made(seed) => {
                let mut rng = Rng::of(&[*seed]);
                let mut bytes = Vec::with_capacity(self.size + 8);
                while bytes.len() < self.size {
                    bytes.extend_from_slice(&rng.next_u64().to_le_bytes());
                }
                bytes.truncate(self.size);
                if self.mime.starts_with("text/") {
                    bytes.iter_mut().for_each(|byte| *byte = b'a' + *byte % 26);
                }
                bytes
            }
        }
    }
}

/// What a message says.
#[derive(Debug, Clone, Default)]
pub struct Body {
    /// The text/plain part.
    pub text: Option<String>,
    /// The text/html part.
    pub html: Option<String>,
    /// Files.
    pub attachments: Vec<Attachment>,
}

/// A message in full.
#[derive(Debug, Clone)]
pub struct Message {
    /// 16 hex digits.
    pub id: String,
    /// The thread's first message.
    pub thread_id: String,
    /// Label ids.
    pub labels: Vec<String>,
    /// Epoch milliseconds.
    pub internal_date: i64,
    /// Grows with every change.
    pub history_id: u64,
    /// In the message's order; names may repeat.
    pub headers: Vec<Header>,
    /// What it says.
    pub body: Body,
    /// The bytes that a client sent, if one did.
    pub raw: Option<Vec<u8>>,
}

impl Message {
    /// The first header of that name, in any letter case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|h| h.name.eq_ignore_ascii_case(name)).map(|h| h.value.as_str())
    }

    /// Every header of that name, in any letter case.
    pub fn headers_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |h| h.name.eq_ignore_ascii_case(name))
            .map(|h| h.value.as_str())
    }

    /// True if the message wears this label id.
    pub fn has_label(&self, label: &str) -> bool {
        self.labels.iter().any(|l| l == label)
    }

    /// What it says, as text: the plain part, else the HTML part without its tags.
    pub fn text(&self) -> String {
        match (&self.body.text, &self.body.html) {
            (Some(text), _) => text.clone(),
            (None, Some(html)) => strip_tags(html),
            (None, None) => String::new(),
        }
    }

    /// Roughly the bytes of the message as it was sent.
    pub fn size_estimate(&self) -> u64 {
        if let Some(raw) = &self.raw {
            return raw.len() as u64;
        }
        let headers: usize = self.headers.iter().map(|h| h.name.len() + h.value.len() + 4).sum();
        let parts = [&self.body.text, &self.body.html];
        let texts: usize = parts.into_iter().flatten().map(|t| t.len() * 4 / 3 + 120).sum();
        let files: usize = self.body.attachments.iter().map(|a| a.size * 37 / 27 + 200).sum();
        (headers + texts + files) as u64
    }
}

fn strip_tags(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut inside = false;
    for c in html.chars() {
        match c {
            '<' => inside = true,
            '>' if inside => {
                inside = false;
                text.push(' ');
            }
            _ if !inside => text.push(c),
            _ => {}
        }
    }
    [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&nbsp;", " "),
        ("&amp;", "&"),
    ]
    .iter()
    .fold(text, |text, (entity, plain)| text.replace(entity, plain))
}
