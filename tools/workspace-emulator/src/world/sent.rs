//! A message that a client sends: parsed, dated, kept in SENT.

use mail_parser::{Address, MessageParser, MimeHeaders};

use super::mailbox::Nature;
use super::message::{Attachment, Body, Content, Header, Message};
use super::{Entry, World};
use crate::rng::Rng;

/// Why a message was not sent.
#[derive(Debug, thiserror::Error)]
pub enum BadMessage {
    /// The bytes have no headers.
    #[error("Invalid message: no headers found; raw must be base64url of an RFC 5322 message")]
    Unreadable,
    /// Nobody to send it to.
    #[error("Recipient address required")]
    NoRecipient,
}

pub(super) fn send(
    world: &World,
    user: usize,
    raw: &[u8],
    thread: Option<&str>,
) -> Result<Entry, BadMessage> {
    let parsed = MessageParser::new().parse(raw).ok_or(BadMessage::Unreadable)?;
    if parsed.headers().is_empty() {
        return Err(BadMessage::Unreadable);
    }
    let named = |list: Option<&Address<'_>>| list.is_some_and(|list| list.first().is_some());
    if ![parsed.to(), parsed.cc(), parsed.bcc()].into_iter().any(named) {
        return Err(BadMessage::NoRecipient);
    }
    let number = world.effects.sent_count();
    // After "now", in order: a sent message is newer than everything that the seed made.
    let internal_date = world.config.now_ms + 1 + number as i64;
    let low = Rng::of(&[world.config.seed, 20, user as u64, number]).next_u64() & 0xF_FFFF;
    let id = format!("{:016x}", ((internal_date as u64) << 20) | low);
    let entry = Entry {
        thread_id: thread.unwrap_or(&id).to_owned(),
        id,
        internal_date,
        history_id: 1_000_000 + number,
        labels: vec!["SENT".to_owned()],
        nature: Nature::Api,
        index: usize::MAX,
        depth: 0,
    };
    let message = Message {
        id: entry.id.clone(),
        thread_id: entry.thread_id.clone(),
        labels: entry.labels.clone(),
        internal_date,
        history_id: entry.history_id,
        headers: headers(&parsed),
        body: body(&parsed, &entry.id),
        raw: Some(raw.to_vec()),
    };
    world.effects.keep(user, &world.users[user].email, entry.clone(), message);
    Ok(entry)
}

fn headers(parsed: &mail_parser::Message<'_>) -> Vec<Header> {
    let addresses = |list: &Address<'_>| {
        let one = |a: &mail_parser::Addr<'_>| match (a.name(), a.address()) {
            (Some(name), Some(email)) => format!("{name} <{email}>"),
            (None, Some(email)) => email.to_owned(),
            (name, None) => name.unwrap_or_default().to_owned(),
        };
        list.iter().map(one).collect::<Vec<_>>().join(", ")
    };
    let value = |header: &mail_parser::Header<'_>| match header.value() {
        mail_parser::HeaderValue::Address(list) => addresses(list),
        mail_parser::HeaderValue::Text(text) => text.to_string(),
        _ => {
            let (from, to) = (header.offset_start() as usize, header.offset_end() as usize);
            let bytes = parsed.raw_message().get(from..to).unwrap_or_default();
            String::from_utf8_lossy(bytes).split_whitespace().collect::<Vec<_>>().join(" ")
        }
    };
    parsed.headers().iter().map(|h| Header { name: h.name().to_owned(), value: value(h) }).collect()
}

fn body(parsed: &mail_parser::Message<'_>, id: &str) -> Body {
    let own = |parts: &[mail_parser::MessagePartId], html: bool| {
        let part = parsed.part(*parts.first()?)?;
        (part.is_text_html() == html).then(|| part.text_contents().map(str::to_owned))?
    };
    let attachments = (0_usize..)
        .zip(parsed.attachments())
        .map(|(number, part)| {
            let bytes = part.contents().to_vec();
            let mime = part.content_type().map_or_else(
                || "application/octet-stream".to_owned(),
                |t| format!("{}/{}", t.ctype(), t.subtype().unwrap_or("octet-stream")),
            );
            Attachment {
                id: format!("ANGjdJ{id}-{number}"),
                filename: part.attachment_name().unwrap_or_default().to_owned(),
                mime,
                size: bytes.len(),
                content: Content::Kept(bytes),
            }
        })
        .collect();
    Body { text: own(&parsed.text_body, false), html: own(&parsed.html_body, true), attachments }
}
