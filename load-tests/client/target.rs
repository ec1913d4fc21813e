//! Where the load goes: this machine only.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

/// The address of a server on this machine, from `http://ADDRESS:PORT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target(pub SocketAddr);

impl FromStr for Target {
    type Err = String;

    /// Never resolves a name, so that no load can leave the machine by a mistake in a hosts file.
    fn from_str(url: &str) -> Result<Self, String> {
        let shape = || format!("{url:?} is not http://ADDRESS:PORT");
        let authority = url.strip_prefix("http://").ok_or_else(shape)?.trim_end_matches('/');
        let (host, port) = authority.rsplit_once(':').ok_or_else(shape)?;
        let port = port.parse().map_err(|_| shape())?;
        let host: IpAddr = match host.trim_start_matches('[').trim_end_matches(']') {
            "localhost" => Ipv4Addr::LOCALHOST.into(),
            host => host.parse().map_err(|_| shape())?,
        };
        if !host.is_loopback() {
            return Err(format!("{host} is not a loopback address, and this tool puts load on nothing else"));
        }
        Ok(Self(SocketAddr::new(host, port)))
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "http://{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_accepted_in_every_spelling() {
        for url in ["http://127.0.0.1:80", "http://127.9.9.9:80/", "http://[::1]:80", "http://localhost:80"] {
            assert!(url.parse::<Target>().is_ok(), "{url}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        let urls = [
            "http://192.0.2.1:80",
            "http://0.0.0.0:80",
            "http://example.org:80",
            "https://127.0.0.1:80",
            "http://127.0.0.1",
        ];
        for url in urls {
            assert!(url.parse::<Target>().is_err(), "{url}");
        }
    }
}
