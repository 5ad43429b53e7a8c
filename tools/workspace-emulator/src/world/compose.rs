//! A message's content: a pure function of seed, user and index.

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};

use super::mailbox::{Entry, Nature, root};
use super::message::{Attachment, Body, Content, Header, Message};
use super::{User, World};
use super::{
    names::OUTSIDERS,
    words::{BULK, MONTHS, PROJECTS, SPAM, Topic, WORK},
};
use crate::rng::Rng;

/// The message behind a line of the mailbox, wearing the entry's labels.
pub(super) fn message(world: &World, user: usize, entry: &Entry) -> Message {
    let seed = world.config.seed;
    let mut rng = Rng::of(&[seed, 10, user as u64, entry.index as u64]);
    // A thread's messages share what their first one was about.
    let first = if entry.index < world.config.messages_per_user {
        root(&world.config, user, entry.index)
    } else {
        entry.index
    };
    let mut thread = Rng::of(&[seed, 11, user as u64, first as u64]);
    let topic = topic(entry.nature, &mut thread);
    let partner = partner(world, user, entry.nature, &mut thread);
    let subject = subject(topic, entry.depth, &mut thread, world);
    let people = cast(world, user, entry.nature, partner, &mut rng);
    let body = body(topic, entry, &mut rng, world);
    let headers = headers(&mut rng, entry, &world.users[user], people, subject, &body);
    Message {
        id: entry.id.clone(),
        thread_id: entry.thread_id.clone(),
        labels: entry.labels.clone(),
        internal_date: entry.internal_date,
        history_id: entry.history_id,
        headers,
        body,
        raw: None,
    }
}

fn topic(nature: Nature, thread: &mut Rng) -> &'static Topic {
    let choice = thread.below(WORK.len());
    match nature {
        Nature::Bulk(sender) => &BULK[sender].3,
        Nature::Spam => &SPAM,
        _ => &WORK[choice],
    }
}

type Person = (String, String);

fn member(user: &User) -> Person {
    (user.full_name(), user.email.clone())
}

/// Whom the user corresponds with in this thread.
fn partner(world: &World, user: usize, nature: Nature, rng: &mut Rng) -> Person {
    let (kind, draw) = (rng.below(100), rng.next_u64() as usize);
    match nature {
        Nature::Bulk(sender) => (BULK[sender].0.to_owned(), BULK[sender].1.to_owned()),
        Nature::Spam => ("Prize Office".to_owned(), format!("win{}@junk.example", draw % 900)),
        _ if kind < 35 => {
            let (name, email) = OUTSIDERS[draw % OUTSIDERS.len()];
            (name.to_owned(), email.to_owned())
        }
        _ if kind < 80 => colleague(world, user, draw),
        _ => member(&world.users[draw % world.users.len()]),
    }
}

fn colleague(world: &World, user: usize, draw: usize) -> Person {
    let domain = &world.users[user].domain;
    let others: Vec<&User> = world.users.iter().filter(|u| u.domain == *domain).collect();
    member(others[draw % others.len()])
}

struct Cast {
    from: Person,
    to: Vec<Person>,
    cc: Vec<Person>,
    bcc: Vec<Person>,
}

fn cast(world: &World, user: usize, nature: Nature, partner: Person, rng: &mut Rng) -> Cast {
    let me = member(&world.users[user]);
    let draws = [rng.next_u64() as usize, rng.next_u64() as usize];
    let mut some = |percent, draw| match rng.chance(percent) {
        true => vec![colleague(world, user, draw)],
        false => Vec::new(),
    };
    let cc = some(25, draws[0]);
    if nature == Nature::Sent {
        return Cast { from: me, to: vec![partner], cc, bcc: some(15, draws[1]) };
    }
    Cast { from: partner, to: vec![me], cc, bcc: Vec::new() }
}

/// About one thread in thirty lacks a subject; its answers say no more than "Re:".
fn subject(topic: &Topic, depth: usize, thread: &mut Rng, world: &World) -> Option<String> {
    let lacks = thread.below(30) == 0;
    let template = thread.pick(topic.subjects);
    let base = fill(template, thread, world);
    match (lacks, depth) {
        (true, 0) => None,
        (true, _) => Some("Re:".to_owned()),
        (false, 0) => Some(base),
        (false, _) => Some(format!("Re: {base}")),
    }
}

fn fill(template: &str, rng: &mut Rng, world: &World) -> String {
    // Every place is drawn, filled or not: a changed template must not shift the draws after it.
    let number = (rng.below(8999) + 1001).to_string();
    let (project, month) = (rng.pick(&PROJECTS), rng.pick(&MONTHS));
    let name = &world.users[rng.below(world.users.len())].given_name;
    template
        .replace("{n}", &number)
        .replace("{project}", project)
        .replace("{month}", month)
        .replace("{name}", name)
}

fn body(topic: &Topic, entry: &Entry, rng: &mut Rng, world: &World) -> Body {
    let greeting = rng.pick(&["Hi,", "Hello,", "Dear all,", "Bonjour,", "Hallo zusammen,"]);
    let mut text = format!("{greeting}\r\n\r\n");
    for _ in 0..2 + rng.below(4) {
        let sentence = rng.pick(topic.sentences);
        text.push_str(&fill(sentence, rng, world));
        text.push_str(if rng.chance(30) { "\r\n\r\n" } else { " " });
    }
    text.push_str("\r\n\r\n");
    text.push_str(rng.pick(&["Best regards", "Cheers", "Thanks!", "Viele Grüße", "Cordialement"]));
    let html = escape(&text).replace("\r\n\r\n", "</p><p>");
    let html = format!("<html><body><p>{html}</p></body></html>");
    let attachments = match !topic.files.is_empty() && rng.chance(28) {
        true => (0..1 + rng.below(2)).map(|n| file(topic, entry, n, rng, world)).collect(),
        false => Vec::new(),
    };
    match rng.below(10) {
        0..5 => Body { text: Some(text), html: None, attachments },
        5..9 => Body { text: Some(text), html: Some(html), attachments },
        _ => Body { text: None, html: Some(html), attachments },
    }
}

fn file(topic: &Topic, entry: &Entry, number: usize, rng: &mut Rng, world: &World) -> Attachment {
    let template = rng.pick(topic.files);
    let filename = fill(template, rng, world);
    let mime = match filename.rsplit('.').next().unwrap_or_default() {
        "pdf" => "application/pdf",
        "png" => "image/png",
        "jpg" => "image/jpeg",
        "zip" => "application/zip",
        "ics" => "text/calendar",
        "csv" => "text/csv",
        "txt" | "md" | "log" | "diff" => "text/plain",
        "xml" => "application/xml",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        _ => "application/octet-stream",
    };
    let magnitude = 8 + rng.below(9);
    let size = 200 + rng.below(1 << magnitude);
    let content = Content::Made(rng.next_u64());
    let id = format!("ANGjdJ{}-{number}", entry.id);
    Attachment { id, filename, mime: mime.to_owned(), size, content }
}

fn headers(
    rng: &mut Rng,
    entry: &Entry,
    owner: &User,
    people: Cast,
    subject: Option<String>,
    body: &Body,
) -> Vec<Header> {
    let mut headers = Vec::with_capacity(14);
    let mut add = |name: &str, value: String| {
        headers.push(Header { name: name.to_owned(), value });
    };
    let sent_at = rfc2822(entry.internal_date, rng);
    if entry.nature != Nature::Sent {
        add("Delivered-To", owner.email.clone());
        for hop in 0..1 + rng.below(3) {
            let host = people.from.1.split('@').next_back().unwrap_or("example");
            let trace = format!("from mx{hop}.{host} by mx.google.example with ESMTPS id {hop}x");
            add("Received", format!("{trace}; {sent_at}"));
        }
        add("Return-Path", format!("<{}>", people.from.1));
    }
    // Senders differ in how they write names, and some leave Date out.
    let plain = rng.below(10);
    if plain != 0 || !rng.chance(30) {
        add(if plain == 1 { "DATE" } else { "Date" }, sent_at);
    }
    add(if plain == 1 { "FROM" } else { "From" }, list(&[people.from]));
    if let Some(subject) = subject {
        add(if plain == 2 { "subject" } else { "Subject" }, subject);
    }
    add("To", list(&people.to));
    for (name, people) in [("Cc", &people.cc), ("Bcc", &people.bcc)] {
        if !people.is_empty() {
            add(name, list(people));
        }
    }
    add(
        if plain == 3 { "Message-Id" } else { "Message-ID" },
        format!("<{}@mail.example>", entry.id),
    );
    if matches!(entry.nature, Nature::Bulk(_)) {
        add("List-Unsubscribe", "<https://news.example/unsubscribe>".to_owned());
    }
    add("MIME-Version", "1.0".to_owned());
    add("Content-Type", content_type(body, &entry.id));
    headers
}

/// The Content-Type of the whole message. The boundary hangs on the id, so that raw and parsed forms agree.
fn content_type(body: &Body, id: &str) -> String {
    match (&body.text, &body.html, body.attachments.is_empty()) {
        (_, _, false) => format!("multipart/mixed; boundary=\"mix_{id}\""),
        (Some(_), Some(_), true) => format!("multipart/alternative; boundary=\"alt_{id}\""),
        (None, Some(_), true) => "text/html; charset=\"UTF-8\"".to_owned(),
        _ => "text/plain; charset=\"UTF-8\"".to_owned(),
    }
}

fn rfc2822(ms: i64, rng: &mut Rng) -> String {
    let hours = [0_i8, 0, 1, 2, -5, -8, 9][rng.below(7)];
    let zone = TimeZone::fixed(Offset::constant(hours));
    let time = Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(zone);
    time.strftime("%a, %d %b %Y %H:%M:%S %z").to_string()
}

fn list(people: &[Person]) -> String {
    let one = |(name, email): &Person| match name.as_str() {
        "" => email.clone(),
        name if name.contains(['&', ',', '\'']) && !name.starts_with('"') => {
            format!("\"{name}\" <{email}>")
        }
        name => format!("{name} <{email}>"),
    };
    people.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// Text as HTML, escaped the way Gmail escapes a snippet.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}
