//! The addresses that a notification may be sent to: those of the public internet, unless the rule allows others.
//!
//! They are checked after the name was resolved, and the connection is made to an address that was checked. So a name can't
//! resolve to one address for the check and to another one for the connection.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// A name resolved to addresses none of which a notification may be sent to.
#[derive(Debug, thiserror::Error)]
#[error(
    "{0} is not an address of the public internet; `allow_private = true` lets the rule send there"
)]
pub(super) struct PrivateAddress(IpAddr);

/// Resolves names to the addresses that a rule may send to.
#[derive(Debug)]
pub(super) struct CheckedResolver {
    pub(super) allows_private: bool,
}

impl Resolver for CheckedResolver {
    fn resolve(
        &self,
        uri: &Uri,
        config: &ureq::config::Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let resolved = DefaultResolver::default().resolve(uri, config, timeout)?;
        if self.allows_private {
            return Ok(resolved);
        }
        let mut allowed = self.empty();
        for address in resolved.iter().filter(|address| is_public(address.ip())) {
            allowed.push(*address);
        }
        match resolved.iter().next() {
            Some(first) if allowed.is_empty() => {
                Err(ureq::Error::Other(Box::new(PrivateAddress(first.ip()))))
            }
            _ => Ok(allowed),
        }
    }
}

/// Returns whether an address is one of the public internet.
///
/// Rule: IANA, the special-purpose address registries for IPv4 and IPv6. An IPv6 address that has an IPv4 address in it is what
/// that one is.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_special = a == 0
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        // Shared by the customers of a provider.
        || (a == 100 && (64..128).contains(&b))
        || (a, b, c) == (192, 0, 0)
        // For benchmarks.
        || (a == 198 && matches!(b, 18 | 19))
        // Multicast, reserved, broadcast.
        || a >= 224;
    !is_special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        // Mapped and translated IPv4 addresses, and those of 6to4.
        [0, 0, 0, 0, 0, 0xffff, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => v4(high, low),
        // Teredo and other assignments of the IETF, and documentation.
        [0x2001, second, ..] => second >= 0x200 && second != 0xdb8,
        [0x3fff, second, ..] => second >= 0x1000,
        // What is not global unicast: unspecified, loopback, unique local, link-local, multicast.
        [first, ..] => (0x2000..0x4000).contains(&first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_public_internet_are_public() {
        for (address, expected) in [
            ("1.1.1.1", true),
            ("172.15.255.255", true),
            ("172.16.0.1", false),
            ("172.32.0.1", true),
            ("10.0.0.1", false),
            ("192.168.1.1", false),
            ("127.0.0.1", false),
            ("127.9.9.9", false),
            ("0.0.0.0", false),
            ("0.1.2.3", false),
            ("169.254.169.254", false),
            ("100.63.0.1", true),
            ("100.64.0.1", false),
            ("100.127.255.255", false),
            ("192.0.0.8", false),
            ("192.0.2.1", false),
            ("198.17.0.1", true),
            ("198.18.0.1", false),
            ("224.0.0.1", false),
            ("255.255.255.255", false),
            ("2606:4700::1111", true),
            ("2001:4860:4860::8888", true),
            ("2001:db8::1", false),
            ("2001::1", false),
            ("3fff::1", false),
            ("::", false),
            ("::1", false),
            ("fe80::1", false),
            ("fc00::1", false),
            ("fd12::1", false),
            ("ff02::1", false),
            ("::ffff:127.0.0.1", false),
            ("::ffff:1.1.1.1", true),
            ("::127.0.0.1", false),
            ("64:ff9b::10.0.0.1", false),
            ("64:ff9b::1.1.1.1", true),
            ("2002:7f00:1::", false),
            ("2002:101:101::", true),
        ] {
            assert_eq!(is_public(address.parse().unwrap()), expected, "{address}");
        }
    }
}
