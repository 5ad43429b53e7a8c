//! The world behind the emulator: a pure function of its seed, plus what clients did to it since.

mod compose;
mod effects;
mod mailbox;
mod message;
mod names;
mod people;
mod sent;
mod words;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, RwLock};

pub(crate) use compose::escape;
pub use effects::{Effect, Effects};
pub use mailbox::{Entry, Mailbox};
pub use message::{Attachment, Body, Header, Message};
pub use people::{Domain, User};
pub use sent::BadMessage;
pub use words::USER_LABELS;

/// How big a world is and when it is "now".
#[derive(Debug, Clone)]
pub struct WorldConfig {
    /// Everything is derived from this number.
    pub seed: u64,
    /// Users in each domain, first the primary domain; its first user is the administrator.
    pub users_per_domain: Vec<usize>,
    /// Messages that the empty query finds in each mailbox; spam and trash come on top.
    pub messages_per_user: usize,
    /// The world's clock in epoch milliseconds, for `newer_than:` and the newest message's date.
    pub now_ms: i64,
}

/// 2026-11-20T12:00:00Z: a constant, so that a search finds the same messages today and next year.
pub const FIXED_NOW_MS: i64 = 1_795_176_000_000;

impl Default for WorldConfig {
    fn default() -> Self {
        Self {
            seed: 42,
            users_per_domain: vec![40, 30, 20, 8],
            messages_per_user: 300,
            now_ms: FIXED_NOW_MS,
        }
    }
}

/// People with something wrong: they are listed by the Directory, but their mail cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The token endpoint refuses the user: `invalid_grant`.
    Suspended,
    /// Gmail answers 400 `failedPrecondition`.
    NoMailbox,
}

impl Trouble {
    /// The reason that a client sees.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Suspended => "invalid_grant",
            Self::NoMailbox => "failedPrecondition",
        }
    }
}

/// Domains, users and their mail.
#[derive(Debug)]
pub struct World {
    /// What the world was made of.
    pub config: WorldConfig,
    /// The customer's domains, the primary one first.
    pub domains: Vec<Domain>,
    /// Everybody, domain by domain.
    pub users: Vec<User>,
    /// What clients changed.
    pub effects: Effects,
    by_address: HashMap<String, usize>,
    mailboxes: Vec<OnceLock<Mailbox>>,
    troubles: RwLock<HashMap<usize, Trouble>>,
}

impl World {
    /// Makes the people at once; mail is made when it is asked for.
    pub fn new(config: WorldConfig) -> Self {
        let (domains, users) = people::populate(&config);
        let mut by_address = HashMap::new();
        for (index, user) in users.iter().enumerate() {
            for address in std::iter::once(&user.email).chain(&user.aliases) {
                by_address.insert(address.clone(), index);
            }
        }
        let mailboxes = users.iter().map(|_| OnceLock::new()).collect();
        let effects = Effects::default();
        let troubles = RwLock::default();
        Self { config, domains, users, effects, by_address, mailboxes, troubles }
    }

    /// The administrator's address.
    pub fn admin(&self) -> &str {
        &self.users[0].email
    }

    /// Finds a user by primary address or alias, in any letter case.
    pub fn find(&self, address: &str) -> Option<usize> {
        self.by_address.get(&address.to_lowercase()).copied()
    }

    /// Finds a user by an address or by the number (from 1) in the world's order.
    ///
    /// # Errors
    /// Says which value names nobody.
    pub fn find_named(&self, name: &str) -> Result<usize, String> {
        let by_number = || name.parse::<usize>().ok()?.checked_sub(1);
        self.find(name)
            .or_else(|| by_number().filter(|index| *index < self.users.len()))
            .ok_or_else(|| {
                format!("{name}: no such user; give an address or 1..{}", self.users.len())
            })
    }

    /// The users of `domain`, sorted by address: the Directory's order.
    pub fn users_of(&self, domain: &str) -> Vec<usize> {
        let mut found: Vec<usize> =
            (0..self.users.len()).filter(|i| self.users[*i].domain == domain).collect();
        found.sort_by(|a, b| self.users[*a].email.cmp(&self.users[*b].email));
        found
    }

    /// What is wrong with a user, if anything.
    pub fn trouble(&self, user: usize) -> Option<Trouble> {
        self.troubles.read().ok().and_then(|map| map.get(&user).copied())
    }

    /// Gives a user a trouble, or takes it away.
    pub fn set_trouble(&self, user: usize, trouble: Option<Trouble>) {
        if let Ok(mut map) = self.troubles.write() {
            match trouble {
                Some(trouble) => map.insert(user, trouble),
                None => map.remove(&user),
            };
        }
    }

    /// A user's messages, newest first, with what clients changed applied.
    pub fn entries(&self, user: usize) -> Vec<Entry> {
        let base = &self.mailbox(user).entries;
        self.effects.apply(user, base)
    }

    /// One message in full, as it is now.
    pub fn message(&self, user: usize, id: &str) -> Option<Arc<Message>> {
        if let Some(sent) = self.effects.sent(user, id) {
            return Some(sent);
        }
        let mailbox = self.mailbox(user);
        let entry = &mailbox.entries[*mailbox.by_id.get(id)?];
        let mut entry = entry.clone();
        self.effects.touch(user, &mut entry);
        Some(Arc::new(compose::message(self, user, &entry)))
    }

    /// The message behind an entry of [`World::entries`].
    pub fn open(&self, user: usize, entry: &Entry) -> Arc<Message> {
        match self.effects.sent(user, &entry.id) {
            Some(sent) => sent,
            None => Arc::new(compose::message(self, user, entry)),
        }
    }

    /// Keeps a message that a client sent (RFC 5322 bytes) and gives its entry.
    ///
    /// # Errors
    /// [`BadMessage`] when the bytes are no message or name no recipient.
    pub fn send(&self, user: usize, raw: &[u8], thread: Option<&str>) -> Result<Entry, BadMessage> {
        sent::send(self, user, raw, thread)
    }

    fn mailbox(&self, user: usize) -> &Mailbox {
        self.mailboxes[user].get_or_init(|| Mailbox::new(&self.config, user))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_reproducible_and_every_mailbox_holds_what_was_asked_for() {
        let (a, b) = (World::new(WorldConfig::default()), World::new(WorldConfig::default()));
        assert_eq!(a.users.len(), 98);
        assert_eq!(a.admin(), "admin@alpha.example");
        for user in [0, 41, 97] {
            let entries = a.entries(user);
            let visible = entries.iter().filter(|e| !e.is_spam_or_trash()).count();
            assert_eq!(visible, 300);
            assert!(entries.len() > 300);
            assert!(entries.windows(2).all(|w| w[0].internal_date > w[1].internal_date));
            for entry in entries.iter().step_by(17) {
                let (left, right) = (a.open(user, entry), b.message(user, &entry.id).unwrap());
                assert_eq!(format!("{left:?}"), format!("{right:?}"));
            }
        }
        let other = World::new(WorldConfig { seed: 43, ..WorldConfig::default() });
        assert_ne!(a.entries(3)[0].id, other.entries(3)[0].id);
    }

    #[test]
    fn is_made_of_uncomfortable_mail_too() {
        let world = World::new(WorldConfig::default());
        let all: Vec<_> = (0..20)
            .flat_map(|u| world.entries(u).into_iter().map(move |e| (u, e)))
            .map(|(u, e)| world.open(u, &e))
            .collect();
        let lacks = |name| all.iter().filter(|m| m.header(name).is_none()).count();
        assert!(lacks("Subject") > 10 && lacks("Date") > 10);
        assert!(all.iter().any(|m| m.headers_named("Received").count() > 1));
        assert!(all.iter().any(|m| !m.body.attachments.is_empty()));
        assert!(all.iter().any(|m| m.header("Subject").is_some_and(|s| !s.is_ascii())));
        assert!(all.iter().any(|m| m.id != m.thread_id));
        for label in ["INBOX", "UNREAD", "SENT", "STARRED", "IMPORTANT", "SPAM", "TRASH"] {
            assert!(all.iter().any(|m| m.labels.iter().any(|l| l == label)), "{label}");
        }
    }

    #[test]
    fn finds_people_by_alias_and_number() {
        let world = World::new(WorldConfig::default());
        let (index, user) =
            world.users.iter().enumerate().find(|(_, u)| !u.aliases.is_empty()).unwrap();
        assert_eq!(world.find(&user.aliases[0].to_uppercase()), Some(index));
        assert_eq!(world.find_named("1"), Ok(0));
        assert!(world.find_named("99").is_err() && world.find_named("0").is_err());
    }
}
