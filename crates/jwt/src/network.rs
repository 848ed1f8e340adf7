//! Which addresses and which URLs may be contacted.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::Uri;
use http::uri::Scheme;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::error::Reason;

/// What of IPv4 is not public: the IANA IPv4 Special-Purpose Address Registry (RFC 6890), and
/// multicast.
const SPECIAL_V4: &[Ipv4Net] = &[
    v4([0, 0, 0, 0], 8),
    v4([10, 0, 0, 0], 8),
    v4([100, 64, 0, 0], 10),
    v4([127, 0, 0, 0], 8),
    v4([169, 254, 0, 0], 16),
    v4([172, 16, 0, 0], 12),
    v4([192, 0, 0, 0], 24),
    v4([192, 0, 2, 0], 24),
    v4([192, 88, 99, 0], 24),
    v4([192, 168, 0, 0], 16),
    v4([198, 18, 0, 0], 15),
    v4([198, 51, 100, 0], 24),
    v4([203, 0, 113, 0], 24),
    v4([224, 0, 0, 0], 4),
    v4([240, 0, 0, 0], 4),
];

/// All of IPv6 that is assigned as global unicast.
const GLOBAL_V6: Ipv6Net = v6([0x2000, 0, 0], 3);

/// What of [`GLOBAL_V6`] is not public, or stands for an IPv4 address: the IANA IPv6
/// Special-Purpose Address Registry. NAT64 (64:ff9b::/96) and mapped addresses are outside anyway.
const SPECIAL_V6: &[Ipv6Net] = &[
    // Teredo, ORCHID, benchmarking and the rest of the IETF's assignments.
    v6([0x2001, 0, 0], 23),
    v6([0x2001, 0xdb8, 0], 32),
    // 6to4
    v6([0x2002, 0, 0], 16),
    // 6bone, given back
    v6([0x3ffe, 0, 0], 16),
    v6([0x3fff, 0, 0], 20),
];

const fn v4([a, b, c, d]: [u8; 4], length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), length)
}

const fn v6([a, b, c]: [u16; 3], length: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), length)
}

/// Decides on addresses and URLs.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    allowed: Vec<IpNet>,
}

impl Network {
    pub(crate) fn new(allowed: Vec<IpNet>) -> Self {
        Self { allowed }
    }

    /// Whether a connection to `address` may be made.
    pub(crate) fn may_contact(&self, address: IpAddr) -> bool {
        if address.is_unspecified() || address.is_multicast() {
            return false;
        }
        is_public(address) || self.is_listed(address)
    }

    fn is_listed(&self, address: IpAddr) -> bool {
        // An operator who lists 10.0.0.0/8 means ::ffff:10.0.0.1 as well.
        let plain = address.to_canonical();
        let contains = |network: &IpNet| network.contains(&address) || network.contains(&plain);
        self.allowed.iter().any(contains)
    }

    /// Whether a connection to `address` may be without TLS.
    pub(crate) fn may_be_plain_to(&self, address: IpAddr) -> bool {
        address.to_canonical().is_loopback() && self.is_listed(address)
    }

    /// Whether `url` is an `http` URL that may be used: of an allowed loopback address, or of
    /// `localhost` where one is allowed.
    pub(crate) fn may_be_plain(&self, url: &Uri) -> bool {
        if url.scheme() != Some(&Scheme::HTTP) {
            return false;
        }
        let host = host(url);
        if host.eq_ignore_ascii_case("localhost") {
            return self.may_be_plain_to(Ipv4Addr::LOCALHOST.into())
                || self.may_be_plain_to(Ipv6Addr::LOCALHOST.into());
        }
        host.parse()
            .is_ok_and(|address| self.may_be_plain_to(address))
    }

    /// Reads a URL that may be fetched.
    pub(crate) fn url(&self, text: &str) -> Result<Uri, Reason> {
        let url: Uri = text.parse().map_err(|_| Reason::Url)?;
        self.check(&url)?;
        Ok(url)
    }

    /// Whether `url` may be fetched, as far as the URL tells: its addresses are looked at when the
    /// connection is made.
    pub(crate) fn check(&self, url: &Uri) -> Result<(), Reason> {
        let bare = url
            .authority()
            .is_some_and(|authority| !authority.as_str().contains('@'));
        if !bare || host(url).is_empty() {
            return Err(Reason::Url);
        }
        if url.scheme() == Some(&Scheme::HTTPS) || self.may_be_plain(url) {
            return Ok(());
        }
        match url.scheme() == Some(&Scheme::HTTP) {
            true => Err(Reason::Plain),
            false => Err(Reason::Url),
        }
    }
}

/// The host of `url`, an IPv6 address without its brackets.
pub(crate) fn host(url: &Uri) -> &str {
    let host = url.host().unwrap_or_default();
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !SPECIAL_V4.iter().any(|special| special.contains(&address)),
        IpAddr::V6(address) => {
            GLOBAL_V6.contains(&address)
                && !SPECIAL_V6.iter().any(|special| special.contains(&address))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first and the last address of what is special, and their neighbours.
    #[test]
    fn public_addresses() {
        for (addresses, expected) in [
            (
                "0.0.0.0 0.255.255.255 10.0.0.0 10.255.255.255 100.64.0.0 100.127.255.255",
                false,
            ),
            (
                "127.0.0.1 127.255.255.255 169.254.0.0 169.254.169.254 172.16.0.0 172.31.255.255",
                false,
            ),
            (
                "192.0.0.1 192.0.0.170 192.0.2.1 192.88.99.1 192.168.0.0 192.168.255.255",
                false,
            ),
            (
                "198.18.0.0 198.19.255.255 198.51.100.7 203.0.113.255",
                false,
            ),
            ("224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255", false),
            (
                "1.1.1.1 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255",
                true,
            ),
            (
                "128.0.0.0 169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0",
                true,
            ),
            (
                "192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 223.255.255.255",
                true,
            ),
            (
                ":: ::1 ::ffff:8.8.8.8 ::ffff:127.0.0.1 ::8.8.8.8 64:ff9b::808:808",
                false,
            ),
            (
                "64:ff9b:1::1 100::1 2001::1 2001:db8::1 2001:1ff:: 2002:7f00:1::",
                false,
            ),
            (
                "3ffe::1 3fff::1 3fff:fff:: 4000::1 5f00::1 fc00::1 fd00:ec2::254",
                false,
            ),
            ("fe80::1 fec0::1 ff02::1 ffff::", false),
            (
                "2000::1 2001:200::1 2001:4860:4860::8888 2003::1 2606:4700::1111 2a00:1450::1",
                true,
            ),
            ("3fff:1000::1", true),
        ] {
            for address in addresses.split(' ') {
                let network = Network::new(Vec::new());
                let may = network.may_contact(address.parse().unwrap());
                assert_eq!(may, expected, "{address}");
            }
        }
    }

    #[test]
    fn listed_networks() {
        for (networks, address, expected) in [
            ("10.0.0.0/8", "10.1.2.3", true),
            ("10.0.0.0/8", "::ffff:10.1.2.3", true),
            ("10.0.0.0/8", "11.1.2.3", true),
            ("10.0.0.0/8", "192.168.1.1", false),
            ("::ffff:10.0.0.0/104", "::ffff:10.1.2.3", true),
            ("::ffff:10.0.0.0/104", "10.1.2.3", false),
            ("fd00::/8", "fd00::1", true),
            ("fd00::/8", "fe80::1", false),
            ("64:ff9b::/96", "64:ff9b::a00:1", true),
            ("0.0.0.0/0", "169.254.169.254", true),
            ("0.0.0.0/0", "0.0.0.0", false),
            ("0.0.0.0/0", "224.0.0.1", false),
            ("::/0", "::", false),
            ("::/0", "ff02::1", false),
        ] {
            let network = Network::new(vec![networks.parse().unwrap()]);
            let may = network.may_contact(address.parse().unwrap());
            assert_eq!(may, expected, "{networks} {address}");
        }
    }
}
