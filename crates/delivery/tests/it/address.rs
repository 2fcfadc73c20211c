//! Addresses that a push may never reach (INV-26).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use nod_delivery::gate::AddressClass::{
    self, Documentation, Global, LinkLocal, Loopback, Metadata, Multicast, Private, Reserved,
};
use nod_delivery::gate::{Gate, GateError};
use proptest::prelude::*;

/// First and last address of each range and its neighbours.
const TABLE: &[(&str, AddressClass)] = &[
    ("0.0.0.0", Reserved),
    ("0.255.255.255", Reserved),
    ("1.0.0.0", Global),
    ("8.8.8.8", Global),
    ("9.255.255.255", Global),
    ("10.0.0.0", Private),
    ("10.255.255.255", Private),
    ("11.0.0.0", Global),
    ("100.63.255.255", Global),
    ("100.64.0.0", Private),
    ("100.100.100.200", Metadata),
    ("100.127.255.255", Private),
    ("100.128.0.0", Global),
    ("126.255.255.255", Global),
    ("127.0.0.1", Loopback),
    ("127.255.255.255", Loopback),
    ("128.0.0.0", Global),
    ("168.63.129.16", Metadata),
    ("168.63.129.17", Global),
    ("169.253.255.255", Global),
    ("169.254.0.0", LinkLocal),
    ("169.254.169.254", Metadata),
    ("169.254.170.2", Metadata),
    ("169.254.255.255", LinkLocal),
    ("169.255.0.0", Global),
    ("172.15.255.255", Global),
    ("172.16.0.0", Private),
    ("172.31.255.255", Private),
    ("172.32.0.0", Global),
    ("192.0.0.1", Reserved),
    ("192.0.0.192", Metadata),
    ("192.0.1.0", Global),
    ("192.0.2.1", Documentation),
    ("192.88.99.1", Reserved),
    ("192.167.255.255", Global),
    ("192.168.0.0", Private),
    ("192.168.255.255", Private),
    ("192.169.0.0", Global),
    ("198.17.255.255", Global),
    ("198.18.0.0", Documentation),
    ("198.19.255.255", Documentation),
    ("198.20.0.0", Global),
    ("198.51.100.7", Documentation),
    ("203.0.113.7", Documentation),
    ("223.255.255.255", Global),
    ("224.0.0.1", Multicast),
    ("239.255.255.255", Multicast),
    ("240.0.0.1", Reserved),
    ("255.255.255.254", Reserved),
    ("255.255.255.255", Multicast),
    ("::", Reserved),
    ("::1", Loopback),
    ("::2", Reserved),
    ("::7f00:1", Reserved),
    ("::ffff:127.0.0.1", Loopback),
    ("::ffff:10.0.0.1", Private),
    ("::ffff:169.254.169.254", Metadata),
    ("::ffff:8.8.8.8", Global),
    ("::ffff:0:8.8.8.8", Reserved),
    ("64:ff9b::a00:1", Private),
    ("64:ff9b::7f00:1", Loopback),
    ("64:ff9b::a9fe:a9fe", Metadata),
    ("64:ff9b::808:808", Global),
    ("64:ff9b:1::808:808", Reserved),
    ("100::1", Reserved),
    ("2001::1", Reserved),
    ("2001:1ff:ffff::", Reserved),
    ("2001:200::", Global),
    ("2001:db7:ffff::", Global),
    ("2001:db8::1", Documentation),
    ("2001:db9::", Global),
    ("2002:7f00:1::", Loopback),
    ("2002:a00:1::1", Private),
    ("2002:a9fe:a9fe::", Metadata),
    ("2002:808:808::", Reserved),
    ("2606:4700::1111", Global),
    ("3ffe:ffff::1", Global),
    ("3fff::1", Documentation),
    ("3fff:fff:ffff::", Documentation),
    ("3fff:1000::", Global),
    ("4000::", Reserved),
    ("5f00::1", Reserved),
    ("fbff:ffff::", Reserved),
    ("fc00::1", Private),
    ("fd00:ec2::254", Metadata),
    ("fd00:ec2::253", Private),
    ("fd20:ce::254", Metadata),
    ("fdff:ffff::", Private),
    ("fe00::1", Reserved),
    ("fe80::1", LinkLocal),
    ("febf:ffff::", LinkLocal),
    ("fec0::1", Private),
    ("ff02::1", Multicast),
];

#[test]
fn the_table() {
    for (text, class) in TABLE {
        assert_eq!(AddressClass::of(text.parse().unwrap()), *class, "{text}");
    }
}

#[test]
fn the_gate_admits_public_addresses_and_the_switch_only_loopback_and_private_ones() {
    for (text, class) in TABLE {
        let address: IpAddr = text.parse().unwrap();
        let refused = Err(GateError::Address(*class));
        let strict = if *class == Global { Ok(()) } else { refused.clone() };
        assert_eq!(Gate::new(false).check_address(address), strict, "{text}");
        let open = if matches!(class, Global | Loopback | Private) { Ok(()) } else { refused };
        assert_eq!(Gate::new(true).check_address(address), open, "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    /// The standard library's predicates, written by others, never call an admitted address special.
    #[test]
    fn an_admitted_v4_address_is_nothing_special(bits: u32) {
        let address = Ipv4Addr::from(bits);
        if AddressClass::of(address.into()) == Global {
            prop_assert!(!address.is_private() && !address.is_loopback() && !address.is_link_local());
            prop_assert!(!address.is_multicast() && !address.is_broadcast() && !address.is_documentation());
            prop_assert!(!address.is_unspecified() && address.octets()[0] < 224);
        }
    }

    #[test]
    fn an_embedded_address_is_never_treated_better_than_itself(bits: u32, prefix in 0_usize..3, tail: u64) {
        let inner = AddressClass::of(Ipv4Addr::from(bits).into());
        let wrapped = match prefix {
            0 => (0xffff_u128 << 32) | u128::from(bits),
            1 => (0x0064_ff9b_u128 << 96) | u128::from(bits),
            _ => (0x2002_u128 << 112) | (u128::from(bits) << 80) | u128::from(tail),
        };
        let outer = AddressClass::of(Ipv6Addr::from(wrapped).into());
        prop_assert!(outer == inner || (inner == Global && outer == Reserved));
        prop_assert!(prefix != 2 || outer != Global);
    }

    #[test]
    fn an_admitted_v6_address_is_global_unicast_or_wraps_a_public_one(bits: u128) {
        let address = Ipv6Addr::from(bits);
        if AddressClass::of(address.into()) == Global {
            prop_assert!(address.segments()[0] & 0xe000 == 0x2000);
        }
    }
}
