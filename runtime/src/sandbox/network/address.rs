//! What kind of address a name has led to: one of the public Internet, or one that only an operator can mean, because it
//! leads into their own network, to their own machine, or to the keeper of a cloud's keys.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whose an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressClass {
    Public,
    /// This host itself.
    Loopback,
    /// Of a network of the operator's, or of none; with the word for it.
    Private(&'static str),
    /// Where clouds tell a machine who it is and hand it keys.
    Metadata,
    /// No single host.
    Nobody(&'static str),
}

/// Ranges of IPv4 that are not public: IANA's registry of special purposes (RFC 6890), with the word for each.
const SPECIAL_V4: &[(Ipv4Addr, u32, &str)] = &[
    (Ipv4Addr::new(0, 0, 0, 0), 8, "reserved"),
    (Ipv4Addr::new(10, 0, 0, 0), 8, "private"),
    (Ipv4Addr::new(100, 64, 0, 0), 10, "carrier's shared"),
    (Ipv4Addr::new(169, 254, 0, 0), 16, "link-local"),
    (Ipv4Addr::new(172, 16, 0, 0), 12, "private"),
    (Ipv4Addr::new(192, 0, 0, 0), 24, "reserved"),
    (Ipv4Addr::new(192, 0, 2, 0), 24, "reserved"),
    (Ipv4Addr::new(192, 88, 99, 0), 24, "reserved"),
    (Ipv4Addr::new(192, 168, 0, 0), 16, "private"),
    (Ipv4Addr::new(198, 18, 0, 0), 15, "reserved"),
    (Ipv4Addr::new(198, 51, 100, 0), 24, "reserved"),
    (Ipv4Addr::new(203, 0, 113, 0), 24, "reserved"),
    (Ipv4Addr::new(240, 0, 0, 0), 4, "reserved"),
];

/// The same of IPv6, inside the range that is public as a whole and outside it.
const SPECIAL_V6: &[(Ipv6Addr, u32, &str)] = &[
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10, "link-local"),
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10, "site-local"),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7, "unique local"),
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23, "reserved"),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32, "reserved"),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20, "reserved"),
];

/// RFC 4291, section 2.4.
const PUBLIC_V6: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// Ranges of IPv6 that stand for IPv4, and where in the address that lies: NAT64 (RFC 6052), 6to4 (RFC 3056), and the
/// compatible addresses of old (RFC 4291, section 2.5.5.1).
const TRANSLATED: &[(Ipv6Addr, u32, u32)] = &[
    (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96, 0),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16, 80),
    (Ipv6Addr::UNSPECIFIED, 96, 0),
];

/// The metadata services of AWS (also for containers), Azure, Google, Alibaba, Oracle, Scaleway, Tencent and OpenStack;
/// most others answer at the first.
const METADATA: &[IpAddr] = &[
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 23)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 42, 42)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 0, 23)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42)),
    IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0xa9fe, 0xa9fe)),
];

impl AddressClass {
    pub fn of(address: IpAddr) -> Self {
        let address = address.to_canonical();
        if METADATA.contains(&address) {
            return Self::Metadata;
        }
        match address {
            _ if address.is_unspecified() => Self::Nobody("unspecified"),
            _ if address.is_multicast() => Self::Nobody("multicast"),
            _ if address.is_loopback() => Self::Loopback,
            IpAddr::V4(Ipv4Addr::BROADCAST) => Self::Nobody("broadcast"),
            IpAddr::V4(address) => of_v4(address),
            IpAddr::V6(address) => of_v6(address),
        }
    }

    /// The word for it in a message.
    pub fn word(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Loopback => "loopback",
            Self::Private(word) | Self::Nobody(word) => word,
            Self::Metadata => "metadata service",
        }
    }
}

fn of_v4(address: Ipv4Addr) -> AddressClass {
    let is_in = |network: Ipv4Addr, bits: u32| (address.to_bits() ^ network.to_bits()).leading_zeros() >= bits;
    let special = SPECIAL_V4.iter().find(|(network, bits, _)| is_in(*network, *bits));
    special.map_or(AddressClass::Public, |(.., word)| AddressClass::Private(word))
}

fn of_v6(address: Ipv6Addr) -> AddressClass {
    let is_in = |network: Ipv6Addr, bits: u32| (address.to_bits() ^ network.to_bits()).leading_zeros() >= bits;
    if let Some((.., shift)) = TRANSLATED.iter().find(|(network, bits, _)| is_in(*network, *bits)) {
        // What a translator makes of it is what counts.
        let [.., a, b, c, d] = (address.to_bits() >> shift).to_be_bytes();
        return AddressClass::of(Ipv4Addr::new(a, b, c, d).into());
    }
    let special = SPECIAL_V6.iter().find(|(network, bits, _)| is_in(*network, *bits));
    match special {
        Some((.., word)) => AddressClass::Private(word),
        None if is_in(PUBLIC_V6.0, PUBLIC_V6.1) => AddressClass::Public,
        None => AddressClass::Private("reserved"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_are(class: AddressClass, addresses: &[&str]) {
        for address in addresses {
            assert_eq!(AddressClass::of(address.parse().unwrap()), class, "{address}");
        }
    }

    #[test]
    fn public_addresses() {
        assert_are(
            AddressClass::Public,
            &[
                "1.1.1.1",
                "9.255.255.255",
                "11.0.0.0",
                "100.63.255.255",
                "100.128.0.0",
                "172.15.255.255",
                "172.32.0.0",
                "192.167.0.1",
                "198.20.0.0",
                "223.255.255.255",
                "2600::1",
                "2a00:1450::1",
                "::ffff:1.1.1.1",
                "64:ff9b::1.1.1.1",
                "2002:101:101::1",
            ],
        );
    }

    #[test]
    fn this_host() {
        assert_are(AddressClass::Loopback, &["127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1"]);
        assert_are(AddressClass::Loopback, &["64:ff9b::127.0.0.1", "2002:7f00:1::", "::127.0.0.1"]);
    }

    #[test]
    fn networks_of_the_operators() {
        for (word, addresses) in [
            ("private", ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1", "::ffff:10.0.0.1"].as_slice()),
            ("private", &["64:ff9b::a00:1", "2002:a00:1::1", "2002:c0a8:1::"]),
            ("carrier's shared", &["100.64.0.1", "100.127.255.255"]),
            ("link-local", &["169.254.0.1", "169.254.169.253", "fe80::1", "febf::1", "::ffff:169.254.1.1"]),
            ("site-local", &["fec0::1"]),
            ("unique local", &["fc00::1", "fd12:3456::1"]),
            ("reserved", &["0.0.0.1", "192.0.0.8", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1"]),
            ("reserved", &["240.0.0.1", "2001::1", "2001:db8::1", "3fff::1", "100::1", "5f00::1", "4000::1"]),
            ("reserved", &["64:ff9b:1::1"]),
        ] {
            assert_are(AddressClass::Private(word), addresses);
        }
    }

    #[test]
    fn keepers_of_keys_in_every_disguise() {
        assert_are(AddressClass::Metadata, &["169.254.169.254", "100.100.100.200", "fd00:ec2::254", "168.63.129.16"]);
        assert_are(AddressClass::Metadata, &["::ffff:169.254.169.254", "64:ff9b::169.254.169.254", "2002:a9fe:a9fe::"]);
    }

    #[test]
    fn no_single_host() {
        for (word, addresses) in [
            ("unspecified", ["0.0.0.0", "::", "::ffff:0.0.0.0"].as_slice()),
            ("multicast", &["224.0.0.1", "239.255.255.255", "ff02::1", "::ffff:224.0.0.1"]),
            ("broadcast", &["255.255.255.255"]),
        ] {
            assert_are(AddressClass::Nobody(word), addresses);
        }
    }
}
