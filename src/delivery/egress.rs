//! Where outbound HTTP may go.
//!
//! Promise: https to global addresses, and to ranges that the operator allows; plain http to those ranges only. A name is checked by the
//! addresses that it has when the call is made, so that a name that changes its address after it was saved opens nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// What may be reached.
#[derive(Clone, Debug, Default)]
pub struct Egress {
    allow: Arc<[Range]>,
}

#[derive(Clone, Copy, Debug)]
struct Range {
    address: IpAddr,
    bits: u32,
}

impl Egress {
    /// The rules with these ranges (CIDR) beside the global addresses; what is no range is left out, the settings refuse it before.
    pub fn allowing(ranges: &[String]) -> Self {
        Self { allow: ranges.iter().filter_map(|text| Range::parse(text)).collect() }
    }

    /// Reads a URL that may be called, as far as that can be said without asking for the addresses of its name.
    ///
    /// # Errors
    /// Why it may not, as a sentence without a subject.
    pub fn check(&self, text: &str) -> Result<Url, &'static str> {
        let url = Url::parse(text).map_err(|_| "is not a URL")?;
        let plain = match url.scheme() {
            "https" => false,
            "http" => true,
            _ => return Err("is neither https nor http"),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err("contains credentials");
        }
        let host = url.host_str().ok_or("has no host")?;
        match host.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(address) if self.reaches(address, plain) => Ok(url),
            Ok(_) if plain => Err("is plain http to an address that is not in delivery.egress.allow"),
            Ok(_) => Err("is an address that is neither global nor in delivery.egress.allow"),
            Err(_) if plain && self.allow.is_empty() => Err("is plain http, and delivery.egress.allow is empty"),
            Err(_) => Ok(url),
        }
    }

    /// Whether an address may be called.
    pub fn reaches(&self, address: IpAddr, plain: bool) -> bool {
        let address = address.to_canonical();
        self.allow.iter().any(|range| range.holds(address)) || (!plain && is_global(address))
    }
}

impl Range {
    fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/')?;
        Some(Self { address: address.parse().ok()?, bits: bits.parse().ok()? })
    }

    fn holds(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let mask = u32::MAX.checked_shl(32_u32.saturating_sub(self.bits)).unwrap_or(0);
                own.to_bits() & mask == other.to_bits() & mask
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let mask = u128::MAX.checked_shl(128_u32.saturating_sub(self.bits)).unwrap_or(0);
                own.to_bits() & mask == other.to_bits() & mask
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

/// Whether an address is one of the public network: not private, local, reserved, or a way around that to such a one.
fn is_global(address: IpAddr) -> bool {
    const RESERVED_V4: [(Ipv4Addr, u32); 13] = [
        (Ipv4Addr::new(0, 0, 0, 0), 8),
        (Ipv4Addr::new(10, 0, 0, 0), 8),
        (Ipv4Addr::new(100, 64, 0, 0), 10),
        (Ipv4Addr::new(127, 0, 0, 0), 8),
        (Ipv4Addr::new(169, 254, 0, 0), 16),
        (Ipv4Addr::new(172, 16, 0, 0), 12),
        (Ipv4Addr::new(192, 0, 0, 0), 24),
        (Ipv4Addr::new(192, 0, 2, 0), 24),
        (Ipv4Addr::new(192, 168, 0, 0), 16),
        (Ipv4Addr::new(198, 18, 0, 0), 15),
        (Ipv4Addr::new(198, 51, 100, 0), 24),
        (Ipv4Addr::new(203, 0, 113, 0), 24),
        (Ipv4Addr::new(224, 0, 0, 0), 3),
    ];
    let within = |address: IpAddr, bits: u32, other: IpAddr| Range { address, bits }.holds(other);
    match address {
        IpAddr::V4(_) => !RESERVED_V4.iter().any(|(range, bits)| within(IpAddr::V4(*range), *bits, address)),
        // Of IPv6 only 2000::/3 is public; in it 6to4 leads to any IPv4 address, Teredo to any host behind one.
        IpAddr::V6(_) => {
            let public = Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0);
            let within_v6 = |first: u16, second: u16, bits| {
                within(IpAddr::V6(Ipv6Addr::new(first, second, 0, 0, 0, 0, 0, 0)), bits, address)
            };
            within(IpAddr::V6(public), 3, address)
                && !within_v6(0x2001, 0, 23)
                && !within_v6(0x2001, 0xdb8, 32)
                && !within_v6(0x2002, 0, 16)
        }
    }
}

/// Looks names up, and gives only the addresses that may be called.
#[derive(Clone, Debug)]
pub struct Resolver {
    /// The rules.
    pub egress: Egress,
    /// Whether it is for plain http.
    pub plain: bool,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let own = self.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let open: Vec<SocketAddr> = found.filter(|one| own.egress.reaches(one.ip(), own.plain)).collect();
            if open.is_empty() {
                return Err("the name has no address that may be called".into());
            }
            Ok(Box::new(open.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowing(ranges: &[&str]) -> Egress {
        Egress::allowing(&ranges.iter().map(|range| (*range).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn only_https_to_the_public_network_is_open_by_itself() {
        let closed = allowing(&[]);
        for url in ["https://hooks.example/in", "https://93.184.216.34/", "https://[2606:2800:220:1::1]:8443/x?y=z"] {
            assert!(closed.check(url).is_ok(), "{url}");
        }
        for url in [
            "http://hooks.example/in",
            "http://93.184.216.34/",
            "https://10.0.0.7/hook",
            "https://127.0.0.1/",
            "https://169.254.169.254/latest",
            "https://192.168.1.1/",
            "https://100.64.1.1/",
            "https://0.0.0.0/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://[::1]/",
            "https://[::ffff:10.0.0.7]/hook",
            "https://[fd00::1]/",
            "https://[fe80::1]/",
            "https://[2002:7f00:1::]/",
            "https://[64:ff9b::7f00:1]/",
            "file:///etc/passwd",
            "ftp://93.184.216.34/",
            "https://me:secret@hooks.example/",
            "hooks.example",
            "",
        ] {
            assert!(closed.check(url).is_err(), "{url}");
        }
    }

    #[test]
    fn what_the_operator_allows_is_open_also_in_plain() {
        let open = allowing(&["127.0.0.0/8", "fd00::/8"]);
        for url in ["http://127.0.0.1:9/hook", "https://127.1.2.3/", "http://[fd00::1]/", "http://[::ffff:127.0.0.1]/"]
        {
            assert!(open.check(url).is_ok(), "{url}");
        }
        for url in ["http://10.0.0.1/", "http://93.184.216.34/", "https://[fe80::1]/"] {
            assert!(open.check(url).is_err(), "{url}");
        }
        assert!(allowing(&["0.0.0.0/0"]).reaches([10, 1, 2, 3].into(), true), "a range of everything");
        assert!(!allowing(&["10.0.0.1/32"]).reaches([10, 0, 0, 2].into(), true));
    }

    #[tokio::test]
    async fn a_name_is_as_good_as_its_addresses() {
        let resolve = |ranges: &[&str], plain| {
            let resolver = Resolver { egress: allowing(ranges), plain };
            async move { resolver.resolve("localhost".parse().unwrap()).await.map(Iterator::count) }
        };
        assert!(resolve(&[], false).await.is_err());
        assert!(resolve(&["10.0.0.0/8"], true).await.is_err());
        assert!(resolve(&["127.0.0.0/8", "::1/128"], true).await.unwrap() > 0);
    }
}
