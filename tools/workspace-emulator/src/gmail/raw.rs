//! A message as RFC 5322 bytes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::parts::{Content, Part, tree};
use crate::world::{Header, Message};

/// The bytes that a client sent, or the ones that the parsed form stands for.
pub(super) fn bytes(message: &Message) -> Vec<u8> {
    if let Some(raw) = &message.raw {
        return raw.clone();
    }
    let root = tree(message);
    let mut text = String::new();
    message.headers.iter().for_each(|header| write_header(&mut text, header));
    if matches!(root.content, Content::Text(_)) {
        text.push_str("Content-Transfer-Encoding: base64\r\n");
    }
    write_content(&mut text, &root);
    text.into_bytes()
}

fn write_content(text: &mut String, part: &Part<'_>) {
    text.push_str("\r\n");
    match &part.content {
        Content::Text(content) => write_base64(text, content.as_bytes()),
        Content::File(file) => write_base64(text, &file.bytes()),
        Content::Parts(boundary, parts) => {
            for part in parts {
                text.push_str(&format!("--{boundary}\r\n"));
                part.headers.iter().for_each(|header| write_header(text, header));
                write_content(text, part);
            }
            text.push_str(&format!("--{boundary}--\r\n"));
        }
    }
}

fn write_base64(text: &mut String, bytes: &[u8]) {
    let encoded = STANDARD.encode(bytes);
    for line in encoded.as_bytes().chunks(76) {
        text.push_str(&String::from_utf8_lossy(line));
        text.push_str("\r\n");
    }
}

fn write_header(text: &mut String, header: &Header) {
    let name = header.name.to_lowercase();
    let value = match name.as_str() {
        _ if header.value.is_ascii() => header.value.clone(),
        "from" | "to" | "cc" | "bcc" => addresses(&header.value),
        "content-type" | "content-disposition" => parameter(&header.value),
        _ => encoded_words(&header.value),
    };
    text.push_str(&format!("{}: {value}\r\n", header.name));
}

/// Only names are encoded, never the addresses.
fn addresses(value: &str) -> String {
    let mut list: Vec<String> = Vec::new();
    for piece in value.split(", ") {
        match list.last_mut() {
            // A comma inside of a quoted name.
            Some(last) if !last.contains('@') => last.push_str(&format!(", {piece}")),
            _ => list.push(piece.to_owned()),
        }
    }
    let one = |text: &String| match text.rsplit_once(" <") {
        Some((name, rest)) if !name.is_ascii() => {
            format!("{} <{rest}", encoded_words(name.trim_matches('"')))
        }
        _ => text.clone(),
    };
    list.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// `filename="…"` as RFC 2231's `filename*=UTF-8''…`.
fn parameter(value: &str) -> String {
    let Some((start, rest)) = value.split_once("=\"") else { return encoded_words(value) };
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => (byte as char).to_string(),
        _ => format!("%{byte:02X}"),
    };
    let encoded: String = rest.trim_end_matches('"').bytes().map(encode).collect();
    format!("{start}*=UTF-8''{encoded}")
}

/// RFC 2047, in words of at most 75 characters.
fn encoded_words(value: &str) -> String {
    let mut words = vec![String::new()];
    for c in value.chars() {
        if words.last().is_some_and(|word| word.len() + c.len_utf8() > 42) {
            words.push(String::new());
        }
        words.last_mut().into_iter().for_each(|word| word.push(c));
    }
    let encode = |word: &String| format!("=?UTF-8?B?{}?=", STANDARD.encode(word));
    words.iter().map(encode).collect::<Vec<_>>().join("\r\n ")
}

#[cfg(test)]
mod tests {
    use mail_parser::MessageParser;

    use super::*;
    use crate::world::{World, WorldConfig};

    /// An independent parser must read back what the JSON form says.
    #[test]
    fn every_kind_of_message_survives_the_round_trip() {
        let world = World::new(WorldConfig { messages_per_user: 120, ..WorldConfig::default() });
        let mut files = 0;
        for entry in world.entries(3) {
            let message = world.open(3, &entry);
            let bytes = bytes(&message);
            let parsed = MessageParser::new().parse(&bytes).unwrap();
            assert_eq!(parsed.subject(), message.header("Subject"));
            if let Some(text) = &message.body.text {
                let parsed = parsed.body_text(0).unwrap().replace("\r\n", "\n");
                assert_eq!(parsed.trim_end(), text.replace("\r\n", "\n").trim_end());
            }
            assert_eq!(parsed.attachment_count(), message.body.attachments.len());
            for (one, other) in parsed.attachments().zip(&message.body.attachments) {
                assert!(one.contents() == other.bytes(), "{}", other.filename);
                assert_eq!(
                    mail_parser::MimeHeaders::attachment_name(one),
                    Some(other.filename.as_str())
                );
                files += 1;
            }
        }
        assert!(files > 5);
    }
}
