//! The one way to compute a link of the audit's chain; every store calls it, and so does whoever verifies.

use nod_core::audit::{ChainHash, Event};

/// The hash of `event` at `sequence` behind the event whose hash is `previous` (INV-22).
#[must_use]
pub fn chain_hash(previous: &ChainHash, sequence: i64, event: &Event) -> ChainHash {
    let bytes = [previous.0.as_slice(), &event.canonical(sequence)].concat();
    ChainHash(nod_protocol::sha256(&bytes))
}

#[cfg(test)]
mod tests {
    use nod_core::audit::EventKind;
    use nod_core::{AppId, DeviceId, Timestamp, UserId};
    use nod_protocol::b64;
    use proptest::option::of;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_first_links_are_fixed() {
        let first = Event::new(EventKind::UserAdded, Timestamp(1_700_000_000_000)).user(UserId([1; 16]), "Anna");
        let first = chain_hash(&ChainHash::START, 1, &first);
        let second = Event::new(EventKind::PasswordRefused, Timestamp(1_700_000_000_001)).detail("a\nb");
        let second = chain_hash(&first, 2, &second);
        assert_eq!(
            [b64::encode(first.0), second.to_string()],
            ["C73U2yh433dn3FXjuMmbJWplyd5uANxNRyD2V4_asTI", "R_auuNm7CKaTHd3TNMH8Y5t9tqFRDkgDtqprORLXPaU"]
        );
    }

    fn kind() -> impl Strategy<Value = EventKind> {
        prop_oneof![Just(EventKind::Approved), Just(EventKind::Denied), Just(EventKind::SignedIn)]
    }
    /// Short texts of few letters, so that fields often run into each other.
    fn text() -> impl Strategy<Value = String> {
        "[a\0\u{1}]{0,3}"
    }
    fn id() -> impl Strategy<Value = [u8; 16]> {
        any::<u8>().prop_map(|byte| [byte; 16])
    }

    prop_compose! {
        fn event()(
            (kind, at) in (kind(), any::<i64>()),
            user in of((id(), text())),
            app in of((of(id()), text())),
            device in of((id(), text())),
            address in of(text()),
            detail in text(),
        ) -> Event {
            Event {
                kind,
                at: Timestamp(at),
                user: user.map(|(id, name)| (UserId(id), name)),
                app: app.map(|(id, name)| (id.map(AppId), name)),
                device: device.map(|(id, name)| (DeviceId(id), name)),
                address,
                detail,
            }
        }
    }

    /// `event` with one field taken from `other`.
    fn with_field(field: usize, event: &Event, other: &Event) -> Event {
        let (mut event, other) = (event.clone(), other.clone());
        match field {
            0 => event.kind = other.kind,
            1 => event.at = other.at,
            2 => event.user = other.user,
            3 => event.app = other.app,
            4 => event.device = other.device,
            5 => event.address = other.address,
            _ => event.detail = other.detail,
        }
        event
    }

    proptest! {
        #[test]
        fn a_change_of_any_field_or_place_changes_the_hash(
            event in event(), other in event(), field in 0_usize..7, place in 1_i64..9, elsewhere in 1_i64..9,
            previous in any::<[u8; 32]>(), bit in 0_usize..256,
        ) {
            let hash = |previous, place, event: &Event| chain_hash(&ChainHash(previous), place, event);
            let own = hash(previous, place, &event);
            let changed = with_field(field, &event, &other);
            prop_assert_eq!(hash(previous, place, &changed) == own, changed == event);
            prop_assert_eq!(hash(previous, place, &other) == own, other == event);
            prop_assert_eq!(hash(previous, elsewhere, &event) == own, elsewhere == place);
            let mut bent = previous;
            bent[bit / 8] ^= 1 << (bit % 8);
            prop_assert_ne!(hash(bent, place, &event), own);
        }
    }
}
