//! What opens, and what must not.

#![allow(clippy::unwrap_used, reason = "a test may panic, its helpers too")]

use tasker_seal::{Keyring, MasterKey, Place, SealError, is_sealed};

fn key(namespace: &str, name: &str, version: i64) -> Place {
    Place::Key { namespace: namespace.into(), name: name.into(), version }
}

fn ring() -> Keyring {
    Keyring::new(vec![MasterKey::generate().unwrap()]).unwrap()
}

#[test]
fn what_was_sealed_opens_at_its_place_only() {
    let ring = ring();
    let place = key("n", "k", 3);
    for secret in ["", "s3cret", "tasker:v1:x", "\u{1f511} \n'\"", &"long".repeat(100_000)] {
        let sealed = ring.seal(&place, secret).unwrap();
        assert!(is_sealed(&sealed) && (secret.is_empty() || !sealed.contains(secret)));
        assert_eq!(*ring.open(&place, &sealed).unwrap(), secret);
        assert_ne!(sealed, ring.seal(&place, secret).unwrap(), "never twice the same text");
        for other in [key("n", "k", 4), key("n", "kk", 3), key("nk", "", 3), key("", "nk", 3)] {
            let error = ring.open(&other, &sealed).unwrap_err();
            assert!(matches!(error, SealError::Broken { .. }), "{other:?}: {error}");
        }
        let call = Place::Call { root: 1, seq: 0, column: "result" };
        assert!(ring.open(&call, &sealed).is_err());
    }
}

#[test]
fn every_flipped_bit_is_noticed() {
    let ring = ring();
    let place = key("n", "k", 1);
    let sealed = ring.seal(&place, "value").unwrap();
    let mut checked = 0;
    for at in 0..sealed.len() {
        for bit in 0..7 {
            let mut bytes = sealed.clone().into_bytes();
            bytes[at] ^= 1 << bit;
            let Ok(text) = String::from_utf8(bytes) else { continue };
            let opened = ring.open(&place, &text);
            assert!(opened.is_err(), "byte {at}, bit {bit}: {text}");
            let error = opened.unwrap_err().to_string();
            assert!(!error.contains("value\"") && error.contains("n/k"), "{error}");
            checked += 1;
        }
    }
    assert!(checked > 1_000, "{checked}");
    for cut in 0..sealed.len() {
        assert!(ring.open(&place, &sealed[..cut]).is_err(), "cut at {cut}");
    }
}

#[test]
fn parts_of_two_sealed_texts_do_not_mix() {
    let ring = ring();
    let place = key("n", "k", 1);
    let texts = ["one", "two"].map(|s| ring.seal(&place, s).unwrap());
    let parts: Vec<Vec<&str>> = texts.iter().map(|t| t.split(':').collect()).collect();
    let mixed = [&parts[0][..4], &parts[1][4..]].concat().join(":");
    assert!(matches!(ring.open(&place, &mixed), Err(SealError::Broken { .. })));
}

#[test]
fn the_master_key_is_changed_without_touching_values() {
    let old = MasterKey::generate().unwrap();
    let new = MasterKey::generate().unwrap();
    let before = Keyring::new(vec![old.clone()]).unwrap();
    let during = Keyring::new(vec![new.clone(), old]).unwrap();
    let after = Keyring::new(vec![new]).unwrap();
    let place = key("n", "k", 1);
    let sealed = before.seal(&place, "s").unwrap();
    let Err(SealError::UnknownKey { key, .. }) = after.open(&place, &sealed) else { panic!() };
    assert_eq!(key, before.current().id());
    assert_eq!(*during.open(&place, &sealed).unwrap(), "s");
    let moved = during.rewrap(&place, &sealed).unwrap().expect("under the old key");
    assert_eq!(*after.open(&place, &moved).unwrap(), "s");
    assert!(before.open(&place, &moved).is_err());
    assert_eq!(moved.rsplit(':').next(), sealed.rsplit(':').next(), "the value itself stays");
    assert_eq!(during.rewrap(&place, &moved), Ok(None));
    let broken = format!("{}A", &sealed[..sealed.len() - 1]);
    if broken != sealed {
        assert!(during.rewrap(&place, &broken).is_err());
    }
}

#[test]
fn keys_are_read_in_every_usual_form() {
    let key = MasterKey::generate().unwrap();
    let base64 = key.expose();
    let url = base64.replace('+', "-").replace('/', "_");
    let bare = url.trim_end_matches('=');
    for text in [base64.as_str(), url.as_str(), bare, &format!("  {bare}\n")] {
        assert_eq!(MasterKey::parse(text, "x").unwrap().id(), key.id());
    }
    assert!(MasterKey::parse(&"0a1b".repeat(16), "x").is_ok());
    let two =
        format!("# now\n{}\n{} # before\n", *MasterKey::generate().unwrap().expose(), *base64);
    let ring = Keyring::parse(&two, "the file").unwrap();
    assert_eq!((ring.keys().len(), ring.keys()[1].id()), (2, key.id()));
    let zeros = "A".repeat(43);
    for bad in ["short", "not base64 at all!", &base64[..40], &zeros, &"g".repeat(64)] {
        let error = Keyring::parse(bad, "TASKER_MASTER_KEY").unwrap_err();
        assert!(matches!(error, SealError::BadKey(_)), "{bad}");
        let text = error.to_string();
        assert!(text.contains("of TASKER_MASTER_KEY") && !text.contains(bad), "{text}");
    }
    assert_eq!(Keyring::parse(" # nothing\n", "x").unwrap_err(), SealError::NoKey);
    assert!(!format!("{key:?}{ring:?}").contains(base64.as_str()));
}
