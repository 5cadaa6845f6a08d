//! Whose PROXY headers are believed: addresses and networks of load balancers, as settings name them.

use std::fmt;
use std::net::IpAddr;

#[derive(Debug, Default)]
pub struct TrustedProxies {
    networks: Vec<Network>,
}

/// `address` has no bit set behind the first `prefix`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    prefix: u32,
}

impl TrustedProxies {
    /// Of texts like `10.1.0.5`, `10.2.0.0/16`, `2001:db8::/32`.
    ///
    /// # Errors
    /// In words: the text that is none.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let network =
            |text: &str| Network::parse(text).ok_or_else(|| format!("{text} is no address or network"));
        let networks = texts.into_iter().map(network).collect::<Result<_, _>>()?;
        Ok(Self { networks })
    }

    #[must_use]
    pub fn has(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks.iter().any(|network| network.has(address))
    }
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, prefix) =
            text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().ok()?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => bits,
            Some(digits) => digits.parse().ok().filter(|prefix| *prefix <= bits)?,
        };
        let network = Self { address, prefix };
        network.has(address).then_some(network)
    }

    fn has(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                first_bits(address.to_bits().into(), 32, self.prefix) == u128::from(network.to_bits())
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                first_bits(address.to_bits(), 128, self.prefix) == network.to_bits()
            }
            _ => false,
        }
    }
}

/// The rest are zeros. `prefix <= bits`
fn first_bits(address: u128, bits: u32, prefix: u32) -> u128 {
    let rest = bits - prefix;
    address.checked_shr(rest).and_then(|kept| kept.checked_shl(rest)).unwrap_or(0)
}

impl fmt::Display for Network {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}/{}", self.address, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_network_has_its_addresses_and_no_others() {
        for (network, inside, outside) in [
            ("10.1.0.5", vec!["10.1.0.5", "::ffff:10.1.0.5"], vec!["10.1.0.4", "10.1.0.6", "::10.1.0.5"]),
            ("10.2.0.0/16", vec!["10.2.0.0", "10.2.255.255"], vec!["10.1.255.255", "10.3.0.0"]),
            ("10.2.4.0/22", vec!["10.2.4.0", "10.2.7.255"], vec!["10.2.3.255", "10.2.8.0"]),
            ("2001:db8::/32", vec!["2001:db8::1", "2001:db8:ffff::"], vec!["2001:db9::", "10.1.0.5"]),
            ("::1", vec!["::1"], vec!["::2", "127.0.0.1"]),
            ("0.0.0.0/0", vec!["0.0.0.0", "255.255.255.255"], vec!["::"]),
            ("::/0", vec!["::", "ffff::"], vec!["1.2.3.4", "::ffff:1.2.3.4"]),
        ] {
            let trusted = TrustedProxies::parse([network]).unwrap();
            for address in inside {
                assert!(trusted.has(address.parse().unwrap()), "{address} in {network}");
            }
            for address in outside {
                assert!(!trusted.has(address.parse().unwrap()), "{address} not in {network}");
            }
        }
        assert!(!TrustedProxies::default().has("127.0.0.1".parse().unwrap()));
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in
            ["", "10.1.0.0/33", "10.1.0.1/16", "10.1.0/8", "::/129", "2001:db8::1/32", "10.0.0.0/", "proxy"]
        {
            assert_eq!(TrustedProxies::parse([text]).err(), Some(format!("{text} is no address or network")));
        }
    }
}
