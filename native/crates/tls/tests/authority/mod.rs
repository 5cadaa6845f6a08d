//! An authority made for one test, and what it issues.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, PKCS_RSA_SHA256};
use time::{Duration, OffsetDateTime};

pub struct Authority {
    pub pem: String,
    issuer: Issuer<'static, KeyPair>,
}

#[derive(Clone)]
pub struct Pair {
    pub certificate_pem: String,
    pub key_pem: String,
}

impl Authority {
    pub fn new() -> Self {
        Self::named("Authority")
    }

    pub fn named(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    pub fn issue(&self, names: &[&str]) -> Pair {
        self.issue_with(names, KeyPair::generate().unwrap(), (-1, 30))
    }

    pub fn issue_rsa(&self, names: &[&str]) -> Pair {
        self.issue_with(names, KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap(), (-1, 30))
    }

    /// Valid from and until so many days from now.
    pub fn issue_between(&self, names: &[&str], days: (i64, i64)) -> Pair {
        self.issue_with(names, KeyPair::generate().unwrap(), days)
    }

    fn issue_with(&self, names: &[&str], key: KeyPair, (from, until): (i64, i64)) -> Pair {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        // An hour earlier, so that a whole number of days has passed when it is looked at.
        let now = OffsetDateTime::now_utc() - Duration::hours(1);
        (params.not_before, params.not_after) = (now + Duration::days(from), now + Duration::days(until));
        let certificate_pem = params.signed_by(&key, &self.issuer).unwrap().pem();
        Pair { certificate_pem, key_pem: key.serialize_pem() }
    }
}
