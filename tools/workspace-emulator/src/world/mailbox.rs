//! Which messages a mailbox holds: enough to list, date and label them, without their content.

use std::collections::HashMap;

use super::WorldConfig;
use super::words::USER_LABELS;
use crate::rng::Rng;

const SPAN_MS: f64 = 730.0 * 86_400_000.0;
/// Mail comes in at most this many messages to a thread.
const THREAD_BLOCK: usize = 8;

/// What a message is, decided before its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nature {
    /// A colleague or an outsider wrote to the user.
    Received,
    /// The user wrote it.
    Sent,
    /// One of the bulk senders wrote it (an index).
    Bulk(usize),
    /// Junk.
    Spam,
    /// A client sent it over the API: content is kept, not made.
    Api,
}

/// One line of a mailbox.
#[derive(Debug, Clone)]
pub struct Entry {
    /// 16 hex digits, like Gmail's: time in the upper bits.
    pub id: String,
    /// The id of the thread's first message.
    pub thread_id: String,
    /// Epoch milliseconds; no two messages of a mailbox share one.
    pub internal_date: i64,
    /// Grows with every change.
    pub history_id: u64,
    /// Label ids, sorted.
    pub labels: Vec<String>,
    pub(super) nature: Nature,
    pub(super) index: usize,
    /// Messages of the same thread that came before.
    pub(super) depth: usize,
}

impl Entry {
    /// True for what a search leaves out unless asked for.
    pub fn is_spam_or_trash(&self) -> bool {
        self.has_label("SPAM") || self.has_label("TRASH")
    }

    /// True if the message wears this label id.
    pub fn has_label(&self, label: &str) -> bool {
        self.labels.iter().any(|l| l == label)
    }
}

/// A user's mail before any client changed it.
#[derive(Debug)]
pub struct Mailbox {
    /// Newest first.
    pub entries: Vec<Entry>,
    pub(super) by_id: HashMap<String, usize>,
}

impl Mailbox {
    pub(super) fn new(config: &WorldConfig, user: usize) -> Self {
        let count = config.messages_per_user;
        let mut rng = Rng::of(&[config.seed, 2, user as u64]);
        let extra = 3 + count / 40 + rng.below(4);
        let dates: Vec<i64> = (0..count).map(|i| date(config, user, i, count)).collect();
        let mut entries: Vec<Entry> =
            (0..count).map(|index| visible(config, user, index, &dates)).collect();
        entries.extend((0..extra).map(|n| hidden(config, user, count, n)));
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.internal_date));
        // A hidden message may fall on a visible one's millisecond: dates must tell messages apart.
        entries.dedup_by(|a, b| a.internal_date == b.internal_date && a.is_spam_or_trash());
        let total = entries.len() as u64;
        for (place, entry) in (0_u64..).zip(&mut entries) {
            entry.history_id = 1000 + (total - place) * 3;
        }
        let by_id = entries.iter().enumerate().map(|(i, e)| (e.id.clone(), i)).collect();
        Self { entries, by_id }
    }
}

/// Denser towards now: the age grows with the square of the index.
fn date(config: &WorldConfig, user: usize, index: usize, count: usize) -> i64 {
    let jitter = Rng::of(&[config.seed, 3, user as u64, index as u64]).unit() * 0.9;
    let place = (index as f64 + jitter) / count.max(1) as f64;
    // The index itself keeps dates apart where the square is finer than a millisecond.
    config.now_ms - 60_000 - (SPAN_MS * place * place) as i64 - index as i64
}

fn id_of(seed: u64, user: usize, date: i64) -> String {
    let low = Rng::of(&[seed, 4, user as u64, date as u64]).next_u64() & 0xF_FFFF;
    format!("{:016x}", ((date as u64) << 20) | low)
}

/// Does message `index` answer the one before it (which is `index + 1`)?
fn answers(config: &WorldConfig, user: usize, index: usize) -> bool {
    index % THREAD_BLOCK != THREAD_BLOCK - 1
        && index + 1 < config.messages_per_user
        && nature(config, user, index + 1).is_personal()
        && nature(config, user, index).is_personal()
        && Rng::of(&[config.seed, 5, user as u64, index as u64]).chance(45)
}

/// The first message of the thread that `index` belongs to.
pub(super) fn root(config: &WorldConfig, user: usize, index: usize) -> usize {
    let mut root = index;
    while answers(config, user, root) {
        root += 1;
    }
    root
}

fn nature(config: &WorldConfig, user: usize, index: usize) -> Nature {
    let mut rng = Rng::of(&[config.seed, 6, user as u64, index as u64]);
    match rng.below(100) {
        0..20 => Nature::Sent,
        20..50 => Nature::Bulk(rng.below(super::words::BULK.len())),
        _ => Nature::Received,
    }
}

impl Nature {
    fn is_personal(self) -> bool {
        matches!(self, Self::Received | Self::Sent)
    }
}

fn visible(config: &WorldConfig, user: usize, index: usize, dates: &[i64]) -> Entry {
    let nature = nature(config, user, index);
    let root = root(config, user, index);
    Entry {
        id: id_of(config.seed, user, dates[index]),
        thread_id: id_of(config.seed, user, dates[root]),
        internal_date: dates[index],
        history_id: 0,
        labels: labels(config, user, index, nature),
        nature,
        index,
        depth: root - index,
    }
}

fn labels(config: &WorldConfig, user: usize, index: usize, nature: Nature) -> Vec<String> {
    let mut rng = Rng::of(&[config.seed, 7, user as u64, index as u64]);
    let mut labels: Vec<&str> = Vec::new();
    match nature {
        Nature::Sent => labels.push("SENT"),
        Nature::Bulk(sender) => labels.push(super::words::BULK[sender].2),
        _ => labels.push("CATEGORY_PERSONAL"),
    }
    if nature != Nature::Sent {
        // The rest is archived.
        if rng.chance(75) {
            labels.push("INBOX");
        }
        if rng.chance(35) {
            labels.push("UNREAD");
        }
    }
    if rng.chance(8) {
        labels.push("STARRED");
    }
    if nature.is_personal() && rng.chance(30) {
        labels.push("IMPORTANT");
    }
    if rng.chance(20) {
        labels.push(USER_LABELS[rng.below(USER_LABELS.len())].0);
    }
    labels.sort_unstable();
    labels.into_iter().map(str::to_owned).collect()
}

/// Spam or trash, numbered after the visible messages.
fn hidden(config: &WorldConfig, user: usize, count: usize, number: usize) -> Entry {
    let index = count + number;
    let mut rng = Rng::of(&[config.seed, 8, user as u64, index as u64]);
    // Both kinds occur in every mailbox.
    let (nature, label) = match number % 2 {
        0 => (Nature::Spam, "SPAM"),
        _ => (Nature::Received, "TRASH"),
    };
    let date = config.now_ms - 90_000 - (rng.unit() * SPAN_MS / 8.0) as i64;
    let id = id_of(config.seed, user, date);
    let mut labels = vec![label.to_owned()];
    if rng.chance(60) {
        labels.push("UNREAD".to_owned());
    }
    let thread_id = id.clone();
    Entry { id, thread_id, internal_date: date, history_id: 0, labels, nature, index, depth: 0 }
}
