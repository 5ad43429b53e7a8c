//! Who lives in the world.

use super::WorldConfig;
use super::names::{FAMILY_NAMES, GIVEN_NAMES};
use crate::rng::Rng;

const DOMAIN_WORDS: [&str; 12] = [
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa",
    "lambda", "mu",
];

/// One of the customer's domains.
#[derive(Debug, Clone)]
pub struct Domain {
    /// Like `alpha.example`.
    pub name: String,
    /// True for the first one alone.
    pub is_primary: bool,
    /// Epoch milliseconds.
    pub created_ms: i64,
}

/// A person of the Directory.
#[derive(Debug, Clone)]
pub struct User {
    /// The Directory's id: 21 digits.
    pub id: String,
    /// Primary address, lower case.
    pub email: String,
    /// Further addresses of the same mailbox.
    pub aliases: Vec<String>,
    /// The domain of the primary address.
    pub domain: String,
    /// First name, perhaps with letters beyond ASCII.
    pub given_name: String,
    /// Family name, perhaps with letters beyond ASCII.
    pub family_name: String,
    /// May read the Directory.
    pub is_admin: bool,
    /// Like `/Sales`.
    pub org_unit: String,
    /// Epoch milliseconds.
    pub created_ms: i64,
}

impl User {
    /// Given and family name.
    pub fn full_name(&self) -> String {
        format!("{} {}", self.given_name, self.family_name)
    }
}

/// The domains and users of a world.
pub(super) fn populate(config: &WorldConfig) -> (Vec<Domain>, Vec<User>) {
    let (mut domains, mut users) = (Vec::new(), Vec::new());
    for (index, count) in config.users_per_domain.iter().enumerate() {
        let name = match index / DOMAIN_WORDS.len() {
            0 => format!("{}.example", DOMAIN_WORDS[index]),
            round => format!("{}{}.example", DOMAIN_WORDS[index % DOMAIN_WORDS.len()], round + 1),
        };
        for number in 0..*count {
            let user = person(config.seed, index, number, &name, &users);
            users.push(user);
        }
        let created_ms = 1_700_000_000_000 + index as i64 * 86_400_000;
        domains.push(Domain { name, is_primary: index == 0, created_ms });
    }
    (domains, users)
}

fn person(seed: u64, domain: usize, number: usize, name: &str, others: &[User]) -> User {
    let mut rng = Rng::of(&[seed, 1, domain as u64, number as u64]);
    let is_admin = domain == 0 && number == 0;
    let (given_name, family_name) = match is_admin {
        true => ("Ada", "Admin"),
        false => (rng.pick(&GIVEN_NAMES), rng.pick(&FAMILY_NAMES)),
    };
    let local = if is_admin {
        "admin".to_owned()
    } else {
        unused_local_part(given_name, family_name, name, others)
    };
    let aliases = match is_admin || rng.chance(20) {
        true => vec![format!("{local}.alias@{name}")],
        false => Vec::new(),
    };
    User {
        id: format!("1{:020}", rng.next_u64()),
        email: format!("{local}@{name}"),
        aliases,
        domain: name.to_owned(),
        given_name: given_name.to_owned(),
        family_name: family_name.to_owned(),
        is_admin,
        org_unit: rng.pick(&["/", "/Sales", "/Engineering", "/Engineering/Platform"]).to_owned(),
        created_ms: 1_735_689_600_000 + (number as i64) * 3_600_000,
    }
}

fn unused_local_part(given: &str, family: &str, domain: &str, others: &[User]) -> String {
    let plain = format!("{}.{}", ascii(given), ascii(family));
    let taken = |local: &str| others.iter().any(|u| u.email == format!("{local}@{domain}"));
    if !taken(&plain) {
        return plain;
    }
    (2..).map(|n| format!("{plain}{n}")).find(|local| !taken(local)).unwrap_or(plain)
}

/// A name as it is written in an address.
fn ascii(name: &str) -> String {
    let fold = |c: char| match c {
        'á' | 'å' | 'ä' | 'ã' => 'a',
        'é' | 'è' | 'ë' => 'e',
        'í' | 'ï' => 'i',
        'ó' | 'ö' | 'ø' => 'o',
        'ú' | 'ü' => 'u',
        'ł' => 'l',
        'ñ' | 'ń' => 'n',
        'ç' | 'ć' => 'c',
        'š' | 'ş' => 's',
        other => other,
    };
    name.to_lowercase().chars().map(fold).filter(char::is_ascii_alphanumeric).collect()
}
