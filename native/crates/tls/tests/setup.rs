//! What a handshake agrees on, and with whom: certificates, names, ALPN, tickets and trust.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod authority;
mod wire;

use std::sync::Arc;

use authority::{Authority, Pair};
use postern_tls::{CertificatePair, Hosting, SetupFault, Side, SideFault, Trust, Visiting};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{AlertDescription, ClientConfig};
use wire::*;

#[test]
fn alpn_without_one_of_ours_is_refused_with_alert_120_and_no_alpn_is_not() {
    let authority = Authority::new();
    let pair = authority.issue(&[NAME]);
    for versions in [TLS12, TLS13] {
        for (offered, ours, agreed) in [
            (vec!["h2", "http/1.1"], vec!["imap"], Err(())),
            (vec![], vec!["imap"], Ok(None)),
            (vec!["imap"], vec!["imap"], Ok(Some("imap"))),
            (vec!["http/1.1", "h2"], vec!["h2", "http/1.1"], Ok(Some("h2"))),
            (vec!["h2"], vec![], Ok(None)),
        ] {
            let mut server = Ours::server(&setup(std::slice::from_ref(&pair), &ours), Wire::open());
            let mut client = buffered_client(&authority, versions, |config| {
                config.alpn_protocols = offered.iter().map(|name| name.as_bytes().to_vec()).collect();
            });
            match (shake_with(&mut server, &mut client), agreed) {
                (Ok(()), Ok(agreed)) => assert_eq!(server.side.facts().unwrap().alpn.as_deref(), agreed),
                (Err(SideFault::WrongProtocol), Err(())) => {
                    let alert = rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol);
                    assert_eq!(client.process_new_packets().unwrap_err(), alert);
                }
                other => panic!("{offered:?} at {ours:?}: {other:?}"),
            }
        }
    }
}

#[test]
fn the_certificate_is_chosen_by_exact_name_then_wildcard_then_the_first() {
    let authority = Authority::new();
    let pairs = [
        authority.issue(&["first.example.org"]),
        authority.issue(&["Mail.Example.org", "imap.example.org"]),
        authority.issue(&["*.example.org"]),
        authority.issue(&["*.sub.example.org"]),
    ];
    let setup = setup(&pairs, &[]);
    for (name, chosen) in [
        ("mail.example.org", 1),
        ("MAIL.example.ORG", 1),
        ("imap.example.org", 1),
        ("other.example.org", 2),
        ("a.sub.example.org", 3),
        ("a.b.sub.example.org", 0),
        ("example.org", 0),
        ("unknown.example.net", 0),
        ("192.0.2.1", 0),
    ] {
        assert!(presented(&setup, name) == der_of(&pairs[chosen]), "{name}");
    }
}

#[test]
fn the_name_asked_for_is_told_in_lower_case_and_absent_when_there_was_none() {
    let authority = Authority::new();
    let setup = setup(&[authority.issue(&[NAME])], &[]);
    for (name, told) in [("MAIL.example.org", Some("mail.example.org")), ("192.0.2.1", None)] {
        let mut server = Ours::server(&setup, Wire::open());
        let config = Arc::new(blind_config());
        shake_with(&mut server, &mut connect(&config, name)).unwrap();
        assert_eq!(server.side.facts().unwrap().sni.as_deref(), told);
    }
}

#[test]
fn of_two_certificates_for_a_name_the_first_that_the_client_can_verify_is_taken() {
    let authority = Authority::new();
    let pairs = [authority.issue(&[NAME]), authority.issue_rsa(&[NAME])];
    let setup = setup(&pairs, &[]);
    let ecdsa = |suite: &rustls::SupportedCipherSuite| format!("{:?}", suite.suite()).contains("ECDSA");
    for (name, only_rsa, chosen) in [(NAME, false, 0), (NAME, true, 1), ("unknown.example.net", true, 1)] {
        let mut config = blind_config_of(TLS12, |provider| {
            provider.cipher_suites.retain(|suite| suite.tls13().is_none() && !(only_rsa && ecdsa(suite)));
        });
        config.alpn_protocols = vec![];
        let mut server = Ours::server(&setup, Wire::open());
        let mut client = connect(&Arc::new(config), name);
        shake_with(&mut server, &mut client).unwrap();
        assert!(seen_by(&client) == der_of(&pairs[chosen]), "{name} {only_rsa}");
    }
}

#[test]
fn our_order_of_suites_wins_over_the_clients() {
    let authority = Authority::new();
    let setup = setup(&[authority.issue(&[NAME])], &[]);
    for (versions, suite) in
        [(TLS13, "TLS_AES_128_GCM_SHA256"), (TLS12, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256")]
    {
        let config = blind_config_of(versions, |provider| {
            provider.cipher_suites.sort_by_key(|suite| !format!("{:?}", suite.suite()).contains("CHACHA20"))
        });
        let mut server = Ours::server(&setup, Wire::open());
        shake_with(&mut server, &mut connect(&Arc::new(config), NAME)).unwrap();
        assert_eq!(server.side.facts().unwrap().cipher_suite, suite);
    }
}

#[test]
fn a_server_that_cannot_be_believed_is_refused_in_words() {
    let authority = Authority::new();
    let (stranger, namesake) = (Authority::named("Stranger"), Authority::new());
    for (pair, trusted, words) in [
        (namesake.issue(&[NAME]), &authority, "an authority of the same name with another key"),
        (stranger.issue(&[NAME]), &authority, "issued by nobody among the configured authorities"),
        (
            authority.issue(&["ex1.example.org", "ex2.example.org"]),
            &authority,
            "is for ex1.example.org, ex2.example.org, not for mail.example.org",
        ),
        (authority.issue(&[]), &authority, "holds no name at all, mail.example.org was expected"),
        (authority.issue_between(&[NAME], (-30, -12)), &authority, "expired 12 days ago"),
        (authority.issue_between(&[NAME], (3, 30)), &authority, "becomes valid only in 2 days"),
    ] {
        let mut server = Ours::server(&setup(&[pair], &[]), Wire::open());
        let mut client = Ours::client(&trust(&trusted.pem), Wire::open());
        let (theirs, ours) = shake(&mut server, &mut client);
        let ours = ours.unwrap().to_string();
        assert!(ours.contains(words), "{ours}");
        // The server is told, and says whose opinion it was.
        let theirs = theirs.or_else(|| server.handshake().err()).map(|fault| fault.to_string());
        assert!(theirs.as_ref().is_some_and(|words| words.starts_with("the client ")), "{theirs:?}");
    }
}

#[test]
fn a_server_is_believed_by_ip_address_and_by_its_own_certificate() {
    let authority = Authority::new();
    let setup = setup(&[authority.issue(&["192.0.2.7", "2001:db8::7"])], &[]);
    let trust = trust(&authority.pem);
    for (name, is_believed) in [("192.0.2.7", true), ("2001:db8::7", true), ("192.0.2.8", false)] {
        let mut client = Ours::new(trust.side(name).unwrap(), Wire::open());
        let (_, ours) = shake(&mut Ours::server(&setup, Wire::open()), &mut client);
        assert_eq!(ours.is_none(), is_believed, "{name}: {ours:?}");
    }
    assert!(trust.side("no name at all").is_err());
}

#[test]
fn wrong_certificates_and_roots_are_refused_with_their_place_and_fault() {
    let authority = Authority::new();
    let (good, other) = (authority.issue(&[NAME]), authority.issue(&[NAME]));
    let broken = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    for (certificate_pem, key_pem, words) in [
        ("", good.key_pem.as_str(), "certificate 2: no certificate in the PEM text"),
        (&good.certificate_pem, "", "certificate 2: no private key in the PEM text"),
        (&good.certificate_pem, &good.certificate_pem, "certificate 2: no private key in the PEM text"),
        (&good.certificate_pem, &other.key_pem, "certificate 2: the key does not belong"),
        (broken, &good.key_pem, "certificate 2: the first certificate of the chain cannot be read"),
        ("-----BEGIN CERTIFICATE-----\n", &good.key_pem, "certificate 2: the PEM text of the certificate"),
    ] {
        let pairs = [pair_of(&good), CertificatePair { certificate_pem, key_pem }];
        let fault = Hosting::build(PROFILE, &pairs, &[], &ticket_keys()).err().expect(words).to_string();
        assert!(fault.starts_with(words), "{fault}");
    }
    assert!(Hosting::build(PROFILE, &[], &[], &ticket_keys()).is_err());
    for (count, is_taken) in [(16, true), (17, false)] {
        let chain = good.certificate_pem.repeat(count);
        let pair = CertificatePair { certificate_pem: &chain, key_pem: &good.key_pem };
        assert_eq!(
            Hosting::build(PROFILE, &[pair], &[], &ticket_keys()).is_ok(),
            is_taken,
            "{count} in a chain"
        );
    }
    for (count, is_taken) in [(256, true), (257, false)] {
        let pairs: Vec<_> = (0..count).map(|_| pair_of(&good)).collect();
        assert_eq!(
            Hosting::build(PROFILE, &pairs, &[], &ticket_keys()).is_ok(),
            is_taken,
            "{count} certificates"
        );
    }
    for (length, is_taken) in [(0, false), (1, true), (255, true), (256, false)] {
        let name = "x".repeat(length);
        assert_eq!(
            Hosting::build(PROFILE, &[pair_of(&good)], &[&name], &ticket_keys()).is_ok(),
            is_taken,
            "{length}"
        );
    }
    for (ca_pem, words) in
        [("", "no certificate"), ("nonsense", "no certificate"), (broken, "certificate 1 of")]
    {
        let fault = trust_in(ca_pem).err().expect(words).to_string();
        assert!(fault.starts_with(words), "{fault}");
    }
}

#[test]
fn names_and_roots_are_bounded() {
    let authority = Authority::new();
    let names: Vec<String> = (0..1025).map(|at| format!("m{at}.example.org")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for (count, is_taken) in [(1024, true), (1025, false)] {
        let pair = authority.issue(&names[..count]);
        assert_eq!(
            Hosting::build(PROFILE, &[pair_of(&pair)], &[], &ticket_keys()).is_ok(),
            is_taken,
            "{count}"
        );
    }
    for (count, is_taken) in [(2048, true), (2049, false)] {
        assert_eq!(trust_in(&authority.pem.repeat(count)).is_ok(), is_taken, "{count} roots");
    }
}

fn trust_in(ca_pem: &str) -> Result<Visiting, SetupFault> {
    Visiting::build(PROFILE, &Trust::Authorities(ca_pem.to_owned()))
}

fn pair_of(pair: &Pair) -> CertificatePair<'_> {
    CertificatePair { certificate_pem: &pair.certificate_pem, key_pem: &pair.key_pem }
}

fn presented(setup: &Hosting, name: &str) -> Vec<u8> {
    let mut client = connect(&Arc::new(blind_config()), name);
    shake_with(&mut Ours::server(setup, Wire::open()), &mut client).unwrap();
    seen_by(&client)
}

fn seen_by(client: &rustls::Connection) -> Vec<u8> {
    client.peer_certificates().unwrap()[0].to_vec()
}

fn der_of(pair: &Pair) -> Vec<u8> {
    CertificateDer::from_pem_slice(pair.certificate_pem.as_bytes()).unwrap().to_vec()
}

fn blind_config() -> ClientConfig {
    blind_config_of(TLS13, |_| {})
}

use blind::blind_config_of;

/// A client that believes everyone and so sees which certificate it gets.
mod blind {
    use std::sync::Arc;

    use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
    use rustls::crypto::{CryptoProvider, aws_lc_rs};
    use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
    use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme, SupportedProtocolVersion};

    pub fn blind_config_of(
        versions: &[&'static SupportedProtocolVersion],
        adjust: impl FnOnce(&mut CryptoProvider),
    ) -> ClientConfig {
        let mut provider = aws_lc_rs::default_provider();
        adjust(&mut provider);
        ClientConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(versions)
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Blind))
            .with_no_client_auth()
    }

    #[derive(Debug)]
    struct Blind;

    impl ServerCertVerifier for Blind {
        fn verify_server_cert(
            &self,
            _: &CertificateDer<'_>,
            _: &[CertificateDer<'_>],
            _: &ServerName<'_>,
            _: &[u8],
            _: UnixTime,
        ) -> Result<ServerCertVerified, Error> {
            Ok(ServerCertVerified::assertion())
        }

        fn verify_tls12_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Ok(HandshakeSignatureValid::assertion())
        }

        fn verify_tls13_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Ok(HandshakeSignatureValid::assertion())
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
        }
    }
}
