//! Which addresses are public. Everything that the registries reserve is not, nor is an IPv6
//! address that carries such an IPv4 address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// First address and prefix length of the IPv4 blocks that are not public (IANA's special-purpose
/// registry, multicast, class E).
const RESERVED_V4: [([u8; 4], u32); 16] = [
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    // Link-local, the metadata services of clouds among it.
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 88, 99, 0], 24),
    ([192, 168, 0, 0], 16),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    ([224, 0, 0, 0], 4),
    ([240, 0, 0, 0], 4),
    // Azure's platform services, on a public address that is not.
    ([168, 63, 129, 16], 32),
];

/// IPv6 ranges that are not public inside of 2000::/3, outside of which nothing is.
const RESERVED_V6: [([u16; 8], u32); 4] = [
    // Protocol assignments: Teredo, benchmarking, ORCHID.
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),
    ([0x2001, 0x0db8, 0, 0, 0, 0, 0, 0], 32),
    // 6to4 carries any IPv4 address.
    ([0x2002, 0, 0, 0, 0, 0, 0, 0], 16),
    ([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),
];

/// Whether the address is one of the public Internet.
pub fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    !RESERVED_V4.iter().any(|(first, length)| {
        let shift = 32 - length;
        address.to_bits() >> shift == u32::from_be_bytes(*first) >> shift
    })
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    // NAT64's well-known prefix stands for the IPv4 address at its end.
    if let [0x64, 0xff9b, 0, 0, 0, 0, high, low] = address.segments() {
        return is_public_v4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)));
    }
    let global = address.segments()[0] >> 13 == 0b001;
    global
        && !RESERVED_V6.iter().any(|(first, length)| {
            let shift = 128 - length;
            address.to_bits() >> shift == Ipv6Addr::from(*first).to_bits() >> shift
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLIC: [&str; 12] = [
        "1.1.1.1",
        "8.8.8.8",
        "100.63.255.255",
        "100.128.0.1",
        "172.15.0.1",
        "172.32.0.1",
        "223.255.255.255",
        "2606:4700::1111",
        "2a00:1450::1",
        "2001:4860:4860::8888",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
    ];

    const NOT_PUBLIC: [&str; 43] = [
        "0.0.0.0",
        "0.1.2.3",
        "10.255.255.255",
        "100.64.0.1",
        "100.100.100.200",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",
        "168.63.129.16",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:0:127.0.0.1",
        "64:ff9b::127.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::8.8.8.8",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ];

    #[test]
    fn public_and_not() {
        let public = |text: &str| is_public(text.parse().unwrap());
        for text in PUBLIC {
            assert!(public(text), "{text}");
        }
        for text in NOT_PUBLIC {
            assert!(!public(text), "{text}");
        }
    }
}
