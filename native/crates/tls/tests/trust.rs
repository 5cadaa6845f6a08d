//! Whom we believe: authorities, pins, anyone; and what is told of a server that is not believed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod authority;
mod wire;

use std::sync::Arc;

use authority::{Authority, Pair};
use postern_tls::{Pin, Side, SideFault, Trust, Visiting};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::sign::CertifiedKey;
use wire::*;

#[test]
fn a_pinned_certificate_is_believed_whatever_its_name_issuer_and_dates() {
    let stranger = Authority::named("Stranger");
    for pair in [
        stranger.issue(&["other.example.org"]),
        stranger.issue(&[]),
        stranger.issue_between(&[NAME], (-30, -12)),
        stranger.issue_rsa(&[NAME]),
    ] {
        let pins = vec![Pin::of(b"another"), pin_of(&pair)];
        assert!(meet(&pair, Trust::Pins(pins), NAME).is_none());
    }
}

#[test]
fn any_other_certificate_is_refused_though_an_authority_would_vouch_for_it() {
    let authority = Authority::new();
    let (pinned, shown) = (authority.issue(&[NAME]), authority.issue(&[NAME]));
    let fault = meet(&shown, Trust::Pins(vec![pin_of(&pinned)]), NAME).unwrap();
    assert!(
        fault.to_string().starts_with("the server's certificate is none of those pinned; it is SHA-256 ")
    );
    assert_eq!(sha256_of(fault), pin_of(&shown).to_string());
    assert!(meet(&shown, Trust::Pins(vec![]), NAME).is_some());
}

#[test]
fn anyone_is_believed_where_the_settings_say_so_by_name_and_by_address() {
    let pair = Authority::named("Stranger").issue_between(&["other.example.org"], (-30, -12));
    for name in [NAME, "192.0.2.7"] {
        assert!(meet(&pair, Trust::Anyone, name).is_none());
    }
}

/// Who shows a pinned certificate and does not have its key is somebody else.
#[test]
fn a_certificate_without_its_key_is_refused_however_it_is_trusted() {
    let authority = Authority::new();
    let (pair, other) = (authority.issue(&[NAME]), authority.issue(&[NAME]));
    for versions in [TLS12, TLS13] {
        for trust in
            [Trust::Pins(vec![pin_of(&pair)]), Trust::Anyone, Trust::Authorities(authority.pem.clone())]
        {
            let mut client = Ours::client(&Visiting::build(PROFILE, &trust).unwrap(), Wire::open());
            let mut thief = rustls::Connection::from(
                rustls::ServerConnection::new(thieving(&pair, &other, versions)).unwrap(),
            );
            let fault = shake_with(&mut client, &mut thief).unwrap_err();
            assert!(client.side.facts().is_none() && !fault.to_string().contains("pinned"), "{fault}");
        }
    }
}

#[test]
fn what_a_server_showed_is_told_with_its_name_and_issuer_and_the_digest_to_pin() {
    let authority = Authority::new();
    let stranger = Authority::named("Corp \u{7} CA");
    let pair = stranger.issue(&["ex1.corp.example", "ex2.corp.example"]);
    let fault = meet(&pair, Trust::Authorities(authority.pem.clone()), NAME).unwrap();
    let words = fault.to_string();
    let told = format!(
        "; it is SHA-256 {}, for ex1.corp.example, ex2.corp.example, issued by Corp  CA",
        pin_of(&pair)
    );
    assert!(words.ends_with(&told), "{words}");
    let pinned = Pin::parse(&sha256_of(fault)).unwrap();
    assert!(meet(&pair, Trust::Pins(vec![pinned]), NAME).is_none(), "what was told can be pinned");
    // One fault's certificate is not told of the next.
    let next = meet(&authority.issue(&["else.example.org"]), Trust::Authorities(authority.pem.clone()), NAME);
    assert!(next.unwrap().to_string().contains("for else.example.org, issued by Authority"));
}

#[test]
fn pins_are_sixty_four_hexadecimal_digits() {
    let text = "0123456789abcdefABCDEF0123456789abcdef0123456789abcdef0123456789";
    assert_eq!(Pin::parse(text).unwrap().to_string(), text.to_lowercase());
    for wrong in ["", &text[1..], &format!("{text}0"), &text.replace('0', "g"), &text.replace("01", "é")] {
        assert!(Pin::parse(wrong).is_none(), "{wrong}");
    }
}

/// The client's fault, if any, at a server with this certificate.
fn meet(pair: &Pair, trust: Trust, name: &str) -> Option<SideFault> {
    let mut server = Ours::server(&setup(std::slice::from_ref(pair), &[]), Wire::open());
    let visiting = Visiting::build(PROFILE, &trust).unwrap();
    let mut client = Ours::new(visiting.side(name).unwrap(), Wire::open());
    let (_, fault) = shake(&mut server, &mut client);
    assert_eq!(fault.is_none(), client.side.facts().is_some());
    fault
}

fn sha256_of(fault: SideFault) -> String {
    match fault {
        SideFault::Untrusted { shown, .. } => shown.sha256,
        other => panic!("{other}"),
    }
}

fn pin_of(pair: &Pair) -> Pin {
    Pin::of(&CertificateDer::from_pem_slice(pair.certificate_pem.as_bytes()).unwrap())
}

/// Shows the certificate of `pair`, and signs with the key of `other`.
fn thieving(
    pair: &Pair,
    other: &Pair,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> Arc<rustls::ServerConfig> {
    #[derive(Debug)]
    struct Thief(Arc<CertifiedKey>);
    impl rustls::server::ResolvesServerCert for Thief {
        fn resolve(&self, _: rustls::server::ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
            Some(Arc::clone(&self.0))
        }
    }
    let chain = vec![CertificateDer::from_pem_slice(pair.certificate_pem.as_bytes()).unwrap()];
    let key = rustls::pki_types::PrivateKeyDer::from_pem_slice(other.key_pem.as_bytes()).unwrap();
    let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(&key).unwrap();
    server_config(pair, versions, |config| {
        config.cert_resolver = Arc::new(Thief(Arc::new(CertifiedKey::new(chain, key))));
    })
}
