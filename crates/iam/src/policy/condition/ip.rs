//! The addresses of `IpAddress` and `NotIpAddress`.

use std::net::IpAddr;

/// A range of addresses. An IPv4-mapped IPv6 address is the IPv4 address that it maps.
#[derive(Clone, Copy, Debug)]
pub(super) struct IpRange {
    network: IpAddr,
    /// How many leading bits must be equal.
    prefix: u8,
}

impl IpRange {
    /// Reads an address, or a range in CIDR notation; bits after the prefix are ignored.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let written: IpAddr = address.parse().ok()?;
        let longest = bits(written).1;
        let prefix = match prefix {
            None => longest,
            Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse().ok()?,
            Some(_) => return None,
        };
        if prefix > longest {
            return None;
        }
        let canonical = written.to_canonical();
        Some(match prefix.checked_sub(longest - bits(canonical).1) {
            Some(prefix) => Self {
                network: canonical,
                prefix,
            },
            // More than the mapped addresses: an ordinary IPv6 range.
            None => Self {
                network: written,
                prefix,
            },
        })
    }

    pub(super) fn contains(&self, address: IpAddr) -> bool {
        let (network, longest) = bits(self.network);
        let (address, length) = bits(address.to_canonical());
        let host_bits = u32::from(longest - self.prefix);
        let differing = network ^ address;
        longest == length && differing.checked_shr(host_bits).unwrap_or(0) == 0
    }
}

/// The address as a number, and how many bits it has.
fn bits(address: IpAddr) -> (u128, u8) {
    match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()), 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    }
}
