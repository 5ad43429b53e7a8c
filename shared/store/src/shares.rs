//! Fairness: rows wait in one of 64 shares, and each claim looks at the shares in a new order. Who
//! has much waits behind its own, not everybody behind who has much.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use rand::seq::SliceRandom as _;
use tasker_core::{Json, json};

/// As many as a claim can look at without that being felt.
const SHARES: i64 = 64;

/// The share of whoever's runs these are: a tenant, or for runs of nobody their task.
pub fn of(whose: &str) -> i64 {
    if tasker_fault::on("fifo") {
        return 0;
    }
    let mut hasher = DefaultHasher::new();
    whose.hash(&mut hasher);
    i64::try_from(hasher.finish() % SHARES.unsigned_abs()).unwrap_or(0)
}

/// All shares, in an order that each claim draws anew.
pub fn in_some_order() -> Json {
    let mut all: Vec<i64> = (0..SHARES).collect();
    all.shuffle(&mut rand::rng());
    json::of(&all)
}
