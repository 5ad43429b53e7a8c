//! What clients did to the world: labels changed, messages sent. Kept in memory, gone with the process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use super::{Entry, Message};

/// One change, for tests that count how often a call took effect.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Effect {
    /// Counts from 1.
    pub seq: u64,
    /// `send`, `modify`, `trash` or `untrash`.
    pub kind: &'static str,
    /// The mailbox's primary address.
    pub user: String,
    /// The message.
    pub id: String,
    /// Label ids after the change.
    pub label_ids: Vec<String>,
}

/// Every change since the start or the last [`Effects::clear`].
#[derive(Debug, Default)]
pub struct Effects(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    log: Vec<Effect>,
    labels: HashMap<(usize, String), (Vec<String>, u64)>,
    sent: HashMap<usize, Vec<(Entry, Arc<Message>)>>,
}

impl Effects {
    /// The changes in order.
    pub fn log(&self) -> Vec<Effect> {
        self.state().log.clone()
    }

    /// Forgets all changes: the world is as its seed made it.
    pub fn clear(&self) {
        *self.state() = State::default();
    }

    /// `base` with the changes of `user` applied, newest first.
    pub fn apply(&self, user: usize, base: &[Entry]) -> Vec<Entry> {
        let state = self.state();
        let sent = state.sent.get(&user).into_iter().flatten().rev().map(|(entry, _)| entry);
        let mut entries: Vec<Entry> = sent.chain(base).cloned().collect();
        if !state.labels.is_empty() {
            entries.iter_mut().for_each(|entry| state.touch(user, entry));
        }
        entries
    }

    /// Applies label changes to one entry.
    pub fn touch(&self, user: usize, entry: &mut Entry) {
        self.state().touch(user, entry);
    }

    /// A message that a client sent.
    pub fn sent(&self, user: usize, id: &str) -> Option<Arc<Message>> {
        let state = self.state();
        let (entry, message) = state.sent.get(&user)?.iter().find(|(entry, _)| entry.id == id)?;
        let mut entry = entry.clone();
        state.touch(user, &mut entry);
        let (labels, history_id) = (entry.labels, entry.history_id);
        Some(Arc::new(Message { labels, history_id, ..message.as_ref().clone() }))
    }

    /// How many messages were sent: the next one's number.
    pub fn sent_count(&self) -> u64 {
        self.state().sent.values().map(|list| list.len() as u64).sum()
    }

    /// Keeps a sent message.
    pub fn keep(&self, user: usize, email: &str, entry: Entry, message: Message) {
        let mut state = self.state();
        state.note("send", email, &entry.id, &entry.labels);
        state.sent.entry(user).or_default().push((entry, Arc::new(message)));
    }

    /// Gives a message new labels.
    pub fn relabel(
        &self,
        user: usize,
        email: &str,
        kind: &'static str,
        id: &str,
        labels: &[String],
    ) {
        let mut state = self.state();
        let history_id = 1_000_000 + state.note(kind, email, id, labels);
        state.labels.insert((user, id.to_owned()), (labels.to_vec(), history_id));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn note(&mut self, kind: &'static str, user: &str, id: &str, labels: &[String]) -> u64 {
        let seq = self.log.len() as u64 + 1;
        let (user, id, label_ids) = (user.to_owned(), id.to_owned(), labels.to_vec());
        self.log.push(Effect { seq, kind, user, id, label_ids });
        seq
    }

    fn touch(&self, user: usize, entry: &mut Entry) {
        if let Some((labels, history_id)) = self.labels.get(&(user, entry.id.clone())) {
            entry.labels.clone_from(labels);
            entry.history_id = *history_id;
        }
    }
}
