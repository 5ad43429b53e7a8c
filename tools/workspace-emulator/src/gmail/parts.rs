//! A message as a tree of MIME parts: the parsed and the raw form are both made of it.

use crate::world::{Attachment, Header, Message};

/// A node of the tree.
#[derive(Debug)]
pub(super) struct Part<'a> {
    /// `""` for the message itself, then `0`, `1`, `1.0`.
    pub id: String,
    pub mime: &'a str,
    pub headers: Vec<Header>,
    pub content: Content<'a>,
}

#[derive(Debug)]
pub(super) enum Content<'a> {
    Text(&'a str),
    File(&'a Attachment),
    /// With the boundary between the parts.
    Parts(String, Vec<Part<'a>>),
}

/// The tree of a message; its root carries the message's headers.
pub(super) fn tree(message: &Message) -> Part<'_> {
    let mut root = match message.body.attachments.is_empty() {
        true => texts(message, ""),
        false => {
            let mut parts = vec![texts(message, "0")];
            let files = message.body.attachments.iter().zip(1..);
            parts.extend(files.map(|(file, number)| attached(file, number.to_string())));
            let boundary = format!("mix_{}", message.id);
            let content = Content::Parts(boundary, parts);
            Part { id: String::new(), mime: "multipart/mixed", headers: Vec::new(), content }
        }
    };
    root.headers.clone_from(&message.headers);
    root
}

fn texts<'a>(message: &'a Message, id: &str) -> Part<'a> {
    match (&message.body.text, &message.body.html) {
        (Some(plain), Some(html)) => {
            let below = |n: u8| if id.is_empty() { n.to_string() } else { format!("{id}.{n}") };
            let parts =
                vec![text(plain, "text/plain", below(0)), text(html, "text/html", below(1))];
            let boundary = format!("alt_{}", message.id);
            let kind = format!("multipart/alternative; boundary=\"{boundary}\"");
            Part {
                id: id.to_owned(),
                mime: "multipart/alternative",
                headers: vec![header("Content-Type", kind)],
                content: Content::Parts(boundary, parts),
            }
        }
        (None, Some(html)) => text(html, "text/html", id.to_owned()),
        (plain, None) => text(plain.as_deref().unwrap_or(""), "text/plain", id.to_owned()),
    }
}

fn text<'a>(content: &'a str, mime: &'a str, id: String) -> Part<'a> {
    let headers = vec![
        header("Content-Type", format!("{mime}; charset=\"UTF-8\"")),
        header("Content-Transfer-Encoding", "base64".to_owned()),
    ];
    Part { id, mime, headers, content: Content::Text(content) }
}

fn attached(file: &Attachment, id: String) -> Part<'_> {
    let name = file.filename.replace('"', "'");
    let headers = vec![
        header("Content-Type", format!("{}; name=\"{name}\"", file.mime)),
        header("Content-Disposition", format!("attachment; filename=\"{name}\"")),
        header("Content-Transfer-Encoding", "base64".to_owned()),
        header("X-Attachment-Id", file.id.clone()),
    ];
    Part { id, mime: &file.mime, headers, content: Content::File(file) }
}

fn header(name: &str, value: String) -> Header {
    Header { name: name.to_owned(), value }
}
