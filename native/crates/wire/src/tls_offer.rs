//! What a server offers by TLS, and which profile speaks it: the versions and suites by their numbers, with
//! the names that operators know them by (OpenSSL's, of which the old profiles' lists are made, too).

use std::fmt;

/// How old the TLS may be that is spoken with a client or a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Profile {
    /// TLS 1.2 and 1.3, ECDHE and AEAD only.
    #[default]
    Modern,
    /// TLS 1.2 and 1.3, also with CBC and RSA key exchange.
    Compatible,
    /// TLS 1.0 and up, also with 3DES.
    Legacy,
}

impl Profile {
    /// By the name that settings have for it.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Modern, Self::Compatible, Self::Legacy].into_iter().find(|profile| profile.name() == name)
    }

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Modern => "modern",
            Self::Compatible => "compatible",
            Self::Legacy => "legacy",
        }
    }
}

/// What a server chose of a hello.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Offer {
    /// As on the wire: 0x0301 is TLS 1.0.
    pub version: u16,
    pub suite: u16,
}

impl Offer {
    /// The strictest profile that would agree to it; none where no profile does.
    #[must_use]
    pub fn profile(self) -> Option<Profile> {
        let suite = SUITES.iter().find(|suite| suite.number == self.suite)?.profile?;
        match self.version {
            TLS12.. => Some(suite),
            TLS10..TLS12 => Some(Profile::Legacy),
            _ => None,
        }
    }

    /// `TLS 1.0`.
    #[must_use]
    pub fn version_name(self) -> String {
        match self.version {
            0x0300 => "SSL 3.0".to_owned(),
            TLS10..=TLS13 => format!("TLS 1.{}", self.version - TLS10),
            other => format!("version {other:#06x}"),
        }
    }

    /// `AES128-SHA`.
    #[must_use]
    pub fn suite_name(self) -> String {
        let known = SUITES.iter().find(|suite| suite.number == self.suite);
        known.map_or_else(|| format!("suite {:#06x}", self.suite), |suite| suite.name.to_owned())
    }
}

/// `TLS 1.0 (AES128-SHA)`.
impl fmt::Display for Offer {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{} ({})", self.version_name(), self.suite_name())
    }
}

/// The suites of TLS 1.2 and before that a profile agrees to, the best first, by OpenSSL's names.
pub fn suites_of(profile: Profile) -> impl Iterator<Item = &'static str> {
    let theirs =
        move |suite: &&Suite| suite.number >> 8 != 0x13 && suite.profile.is_some_and(|own| own <= profile);
    SUITES.iter().filter(theirs).map(|suite| suite.name)
}

/// One row of the table.
pub(crate) struct Suite {
    pub(crate) number: u16,
    pub(crate) name: &'static str,
    /// The strictest profile that has it.
    profile: Option<Profile>,
}

const fn suite(number: u16, name: &'static str, profile: Option<Profile>) -> Suite {
    Suite { number, name, profile }
}

const MODERN: Option<Profile> = Some(Profile::Modern);
const COMPATIBLE: Option<Profile> = Some(Profile::Compatible);
const LEGACY: Option<Profile> = Some(Profile::Legacy);

/// In our order of preference: AEAD before CBC, ECDHE before RSA key exchange; AES128-SHA and 3DES last.
pub(crate) const SUITES: [Suite; 34] = [
    suite(0x1301, "TLS_AES_128_GCM_SHA256", MODERN),
    suite(0x1303, "TLS_CHACHA20_POLY1305_SHA256", MODERN),
    suite(0x1302, "TLS_AES_256_GCM_SHA384", MODERN),
    suite(0xc02b, "ECDHE-ECDSA-AES128-GCM-SHA256", MODERN),
    suite(0xc02f, "ECDHE-RSA-AES128-GCM-SHA256", MODERN),
    suite(0xcca9, "ECDHE-ECDSA-CHACHA20-POLY1305", MODERN),
    suite(0xcca8, "ECDHE-RSA-CHACHA20-POLY1305", MODERN),
    suite(0xc02c, "ECDHE-ECDSA-AES256-GCM-SHA384", MODERN),
    suite(0xc030, "ECDHE-RSA-AES256-GCM-SHA384", MODERN),
    suite(0xc023, "ECDHE-ECDSA-AES128-SHA256", COMPATIBLE),
    suite(0xc027, "ECDHE-RSA-AES128-SHA256", COMPATIBLE),
    suite(0xc024, "ECDHE-ECDSA-AES256-SHA384", COMPATIBLE),
    suite(0xc028, "ECDHE-RSA-AES256-SHA384", COMPATIBLE),
    suite(0xc009, "ECDHE-ECDSA-AES128-SHA", COMPATIBLE),
    suite(0xc013, "ECDHE-RSA-AES128-SHA", COMPATIBLE),
    suite(0xc00a, "ECDHE-ECDSA-AES256-SHA", COMPATIBLE),
    suite(0xc014, "ECDHE-RSA-AES256-SHA", COMPATIBLE),
    suite(0x009c, "AES128-GCM-SHA256", COMPATIBLE),
    suite(0x009d, "AES256-GCM-SHA384", COMPATIBLE),
    suite(0x003c, "AES128-SHA256", COMPATIBLE),
    suite(0x003d, "AES256-SHA256", COMPATIBLE),
    suite(0x0035, "AES256-SHA", COMPATIBLE),
    suite(0x002f, "AES128-SHA", COMPATIBLE),
    suite(0xc008, "ECDHE-ECDSA-DES-CBC3-SHA", LEGACY),
    suite(0xc012, "ECDHE-RSA-DES-CBC3-SHA", LEGACY),
    suite(0x000a, "DES-CBC3-SHA", LEGACY),
    // Asked for only to say what a server has that no profile speaks: small groups of DHE, and RC4.
    suite(0x009e, "DHE-RSA-AES128-GCM-SHA256", None),
    suite(0x009f, "DHE-RSA-AES256-GCM-SHA384", None),
    suite(0x0067, "DHE-RSA-AES128-SHA256", None),
    suite(0x006b, "DHE-RSA-AES256-SHA256", None),
    suite(0x0033, "DHE-RSA-AES128-SHA", None),
    suite(0x0039, "DHE-RSA-AES256-SHA", None),
    suite(0x0005, "RC4-SHA", None),
    suite(0x0004, "RC4-MD5", None),
];

pub(crate) const TLS10: u16 = 0x0301;
pub(crate) const TLS12: u16 = 0x0303;
pub(crate) const TLS13: u16 = 0x0304;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_names_the_strictest_profile_that_connects() {
        for (version, suite, profile, words) in [
            (0x0301, 0x002f, Some(Profile::Legacy), "TLS 1.0 (AES128-SHA)"),
            (0x0302, 0xc014, Some(Profile::Legacy), "TLS 1.1 (ECDHE-RSA-AES256-SHA)"),
            (0x0303, 0xc027, Some(Profile::Compatible), "TLS 1.2 (ECDHE-RSA-AES128-SHA256)"),
            (0x0303, 0x009c, Some(Profile::Compatible), "TLS 1.2 (AES128-GCM-SHA256)"),
            (0x0303, 0x000a, Some(Profile::Legacy), "TLS 1.2 (DES-CBC3-SHA)"),
            (0x0303, 0xc02f, Some(Profile::Modern), "TLS 1.2 (ECDHE-RSA-AES128-GCM-SHA256)"),
            (0x0304, 0x1301, Some(Profile::Modern), "TLS 1.3 (TLS_AES_128_GCM_SHA256)"),
            (0x0303, 0x0005, None, "TLS 1.2 (RC4-SHA)"),
            (0x0300, 0x002f, None, "SSL 3.0 (AES128-SHA)"),
            (0x0303, 0xfffe, None, "TLS 1.2 (suite 0xfffe)"),
            (0x7f12, 0x1301, Some(Profile::Modern), "version 0x7f12 (TLS_AES_128_GCM_SHA256)"),
        ] {
            let offer = Offer { version, suite };
            assert_eq!((offer.profile(), offer.to_string().as_str()), (profile, words));
        }
    }

    #[test]
    fn a_laxer_profile_has_all_of_the_stricter_and_the_weakest_last() {
        let lists = [Profile::Modern, Profile::Compatible, Profile::Legacy]
            .map(|profile| suites_of(profile).collect::<Vec<_>>());
        assert_eq!(lists.each_ref().map(Vec::len), [6, 20, 23]);
        assert!(lists[2].starts_with(&lists[1]) && lists[1].starts_with(&lists[0]));
        assert_eq!(lists[1].last(), Some(&"AES128-SHA"));
        assert_eq!(lists[2].last(), Some(&"DES-CBC3-SHA"));
    }

    #[test]
    fn profiles_are_known_by_their_names() {
        for profile in [Profile::Modern, Profile::Compatible, Profile::Legacy] {
            assert_eq!(Profile::named(profile.name()), Some(profile));
        }
        assert_eq!(Profile::named("old"), None);
    }
}
