//! Sealing of secrets, without I/O.
//!
//! Each value is encrypted with a data key of its own (AES-256-GCM), and that key with a master key
//! that never enters the database. Both are bound to the [`Place`] where the text is kept, so a
//! sealed text that was moved to another row does not open. Changing the master key means wrapping
//! the data keys again; the values stay as they are.
//!
//! A sealed text: `tasker:v1:<id of the master key>:<wrapped data key>:<value>`, the last two in
//! base64, each nonce, ciphertext and tag.

mod cipher;
mod error;
mod keyring;
mod master;
mod place;
mod settings;

pub use error::SealError;
pub use keyring::{Keyring, is_sealed, master_key_of};
pub use master::MasterKey;
pub use place::Place;
pub use settings::KeySettings;
pub use zeroize::Zeroizing;

/// A text that is wiped from memory when it is dropped.
pub type Secret = Zeroizing<String>;
