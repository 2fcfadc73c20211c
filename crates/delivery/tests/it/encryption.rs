use nod_delivery::web_push::{BODY_BYTES, EncryptError, MAX_CONTENT_BYTES, MessageKeys, encrypt};
use proptest::prelude::*;

use crate::support::{Browser, Seeded};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_browser_inverts_it(browser: u64, sender: u64, content in prop::collection::vec(any::<u8>(), 0..=MAX_CONTENT_BYTES)) {
        let browser = Browser::new(browser);
        let keys = MessageKeys::from_entropy(&Seeded::new(sender)).unwrap();
        let body = encrypt(&browser.public, &browser.auth, keys, &content).unwrap();
        prop_assert_eq!(body.len(), BODY_BYTES);
        let (plain, padding) = browser.decrypt(&body).unwrap();
        prop_assert_eq!(padding, MAX_CONTENT_BYTES - content.len());
        prop_assert_eq!(plain, content);
    }

    #[test]
    fn a_changed_byte_is_noticed(at in 0..BODY_BYTES, flip in 1_u8..) {
        let browser = Browser::new(5);
        let keys = MessageKeys::from_entropy(&Seeded::new(6)).unwrap();
        let mut body = encrypt(&browser.public, &browser.auth, keys, b"ring").unwrap();
        body[at] ^= flip;
        // The record size is the only field that the cipher does not cover; a smaller one is refused by its reader.
        if !(16..20).contains(&at) {
            prop_assert!(browser.decrypt(&body).is_err());
        }
    }
}

#[test]
fn another_browser_cannot_read_it() {
    let keys = MessageKeys::from_entropy(&Seeded::new(3)).unwrap();
    let browser = Browser::new(1);
    let body = encrypt(&browser.public, &browser.auth, keys, b"ring").unwrap();
    assert!(Browser::new(2).decrypt(&body).is_err());
    assert!(browser.decrypt(&body).is_ok());
}

#[test]
fn too_long_is_refused() {
    let keys = MessageKeys::from_entropy(&Seeded::new(3)).unwrap();
    let browser = Browser::new(1);
    let long = vec![0; MAX_CONTENT_BYTES + 1];
    assert_eq!(
        encrypt(&browser.public, &browser.auth, keys, &long),
        Err(EncryptError::TooLong { bytes: MAX_CONTENT_BYTES + 1 })
    );
}
