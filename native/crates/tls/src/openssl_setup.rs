//! What the old profiles begin TLS with, through OpenSSL: the same certificates and the same trust as the
//! modern one has (`server_setup.rs`, `client_setup.rs`), and more versions and suites.
//!
//! OpenSSL is compiled into the engine: Node brings an OpenSSL of its own, and a call must never end in that.

use std::sync::Arc;

use openssl::error::ErrorStack;
use openssl::pkey::{Id, PKey, Private};
use openssl::ssl::{
    AlpnError, NameType, SniError, SslContext, SslContextBuilder, SslMethod, SslMode, SslOptions, SslRef,
    SslSessionCacheMode, SslVerifyMode, SslVersion,
};
use openssl::x509::X509;
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::verify::X509VerifyFlags;
use postern_wire::tls_offer::{Profile, suites_of};
use rustls::sign::CertifiedKey;
use rustls_pki_types::CertificateDer;

use crate::certificates::{ByName, read_all};
use crate::client_setup::{root_certificates, unreadable};
use crate::limits::RESUMABLE_SESSIONS_MAX;
use crate::server_setup::{CertificatePair, SetupFault, alpn_list};
use crate::suites::provider;
use crate::trust::{Pin, Trust};

/// What a listener of an old profile begins with. Shared by all sessions of a frontend.
pub struct OpensslServer {
    pub(crate) context: SslContext,
}

/// What connections to servers of an old profile begin with. Shared by all of one trust.
pub struct OpensslClient {
    pub(crate) context: SslContext,
    pub(crate) profile: Profile,
    pub(crate) rule: OpensslRule,
}

pub(crate) enum OpensslRule {
    Authorities,
    /// Judged when the handshake is done, before a byte is given or taken.
    Pins(Box<[Pin]>),
    Anyone,
}

impl OpensslServer {
    /// As `ServerSetup::build`. Sessions are taken up again from a memory of this setup, not by tickets:
    /// nothing that was recorded can be read by a key of ours, and the memory goes with the next setup.
    ///
    /// # Errors
    /// Which certificate or key is wrong, and how.
    pub fn build(
        profile: Profile,
        certificates: &[CertificatePair<'_>],
        alpn: &[&str],
    ) -> Result<Self, SetupFault> {
        let read = read_all(certificates, &provider())?.into_iter();
        let identities = read.zip(certificates).enumerate().map(|(at, (read, pair))| {
            let fault = |fault: ErrorStack| SetupFault(format!("certificate {}: {fault}", at + 1));
            Ok((read.names, Arc::new(Identity::of(&read.identity, pair.key_pem).map_err(fault)?)))
        });
        let by_name = ByName::build(identities.collect::<Result<_, SetupFault>>()?);
        let protocols = alpn_list(alpn)?;
        Ok(Self { context: server_context(profile, by_name, protocols).map_err(|fault| own_fault(&fault))? })
    }
}

fn server_context(
    profile: Profile,
    by_name: ByName<Arc<Identity>>,
    protocols: Vec<Vec<u8>>,
) -> Result<SslContext, ErrorStack> {
    let mut builder = SslContext::builder(SslMethod::tls_server())?;
    begin(&mut builder, profile)?;
    builder.set_options(SslOptions::CIPHER_SERVER_PREFERENCE | SslOptions::NO_TICKET);
    builder.set_session_cache_mode(SslSessionCacheMode::SERVER);
    builder.set_session_cache_size(RESUMABLE_SESSIONS_MAX);
    builder.set_session_id_context(profile.name().as_bytes())?;
    builder.set_num_tickets(1)?;
    builder.set_servername_callback(move |ssl, _| {
        let name = ssl.servername(NameType::HOST_NAME).map(str::to_ascii_lowercase);
        put_on(ssl, by_name.candidates(name.as_deref()))
    });
    if !protocols.is_empty() {
        builder.set_alpn_select_callback(move |_, offered| {
            let chosen =
                protocols.iter().find_map(|ours| listed(offered).find(|theirs| *theirs == ours.as_slice()));
            chosen.ok_or(AlpnError::ALERT_FATAL)
        });
    }
    Ok(builder.build())
}

/// The certificates of a name: the first of each kind of key. Which kind serves is for the suites to say.
fn put_on(ssl: &mut SslRef, candidates: &[Arc<Identity>]) -> Result<(), SniError> {
    let mut kinds: Vec<Id> = Vec::with_capacity(1);
    for identity in candidates {
        if !kinds.contains(&identity.key.id()) {
            kinds.push(identity.key.id());
            identity.put_on(ssl).map_err(|_| SniError::ALERT_FATAL)?;
        }
    }
    Ok(())
}

/// The names of a client's ALPN list (RFC 7301 section 3.1).
fn listed(offered: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = offered;
    std::iter::from_fn(move || {
        let (length, behind) = rest.split_first()?;
        let (name, behind) = behind.split_at_checked(usize::from(*length))?;
        rest = behind;
        Some(name)
    })
}

/// A chain and its key, as OpenSSL takes them.
struct Identity {
    leaf: X509,
    intermediates: Vec<X509>,
    key: PKey<Private>,
}

impl Identity {
    fn of(read: &CertifiedKey, key_pem: &str) -> Result<Self, ErrorStack> {
        let mut chain = read.cert.iter().map(|certificate| X509::from_der(certificate));
        let leaf = chain.next().unwrap_or_else(|| X509::from_der(&[]))?;
        let key = PKey::private_key_from_pem(key_pem.as_bytes())?;
        Ok(Self { leaf, intermediates: chain.collect::<Result<_, _>>()?, key })
    }

    fn put_on(&self, ssl: &mut SslRef) -> Result<(), ErrorStack> {
        ssl.set_certificate(&self.leaf)?;
        ssl.set_private_key(&self.key)?;
        self.intermediates.iter().try_for_each(|each| ssl.add_chain_cert(each.clone()))
    }
}

impl OpensslClient {
    /// As `ClientSetup::build`. Every handshake is a full one.
    ///
    /// # Errors
    /// Which of the authorities' certificates is wrong, and how.
    pub fn build(profile: Profile, trust: &Trust) -> Result<Self, SetupFault> {
        let (rule, roots) = match trust {
            Trust::Authorities(pem) => (OpensslRule::Authorities, read_roots(pem)?),
            Trust::Pins(pins) => (OpensslRule::Pins(pins.clone().into()), Vec::new()),
            Trust::Anyone => (OpensslRule::Anyone, Vec::new()),
        };
        let context = client_context(profile, &rule, roots).map_err(|fault| own_fault(&fault))?;
        Ok(Self { context, profile, rule })
    }
}

fn read_roots(pem: &str) -> Result<Vec<X509>, SetupFault> {
    let read = |(at, root): (usize, &CertificateDer<'_>)| X509::from_der(root).map_err(|_| unreadable(at));
    root_certificates(pem)?.iter().enumerate().map(read).collect()
}

fn client_context(profile: Profile, rule: &OpensslRule, roots: Vec<X509>) -> Result<SslContext, ErrorStack> {
    let mut builder = SslContext::builder(SslMethod::tls_client())?;
    begin(&mut builder, profile)?;
    builder.set_session_cache_mode(SslSessionCacheMode::OFF);
    builder.set_verify(SslVerifyMode::NONE);
    if matches!(rule, OpensslRule::Authorities) {
        let mut store = X509StoreBuilder::new()?;
        for root in roots {
            store.add_cert(root)?;
        }
        // As the modern profile: what stands among the authorities is believed, root or not.
        store.set_flags(X509VerifyFlags::PARTIAL_CHAIN)?;
        builder.set_cert_store(store.build());
        builder.set_verify(SslVerifyMode::PEER);
    }
    Ok(builder.build())
}

/// What both roles agree to.
fn begin(builder: &mut SslContextBuilder, profile: Profile) -> Result<(), ErrorStack> {
    let (oldest, security) = match profile {
        Profile::Legacy => (SslVersion::TLS1, 0),
        Profile::Compatible | Profile::Modern => (SslVersion::TLS1_2, 1),
    };
    // The level first: what it forbids would be left out of the lists that follow.
    builder.set_security_level(security);
    builder.set_min_proto_version(Some(oldest))?;
    builder.set_max_proto_version(None)?;
    builder.set_cipher_list(&suites_of(profile).collect::<Vec<_>>().join(":"))?;
    builder.set_ciphersuites(SUITES_OF_TLS13)?;
    builder.set_groups_list("X25519:P-256:P-384")?;
    // V06; and CRIME.
    builder.set_options(SslOptions::NO_RENEGOTIATION | SslOptions::NO_COMPRESSION);
    // An idle session keeps no buffer; a chain is what the settings say; what is sealed later may have moved.
    builder.set_mode(SslMode::RELEASE_BUFFERS | SslMode::NO_AUTO_CHAIN | SslMode::ACCEPT_MOVING_WRITE_BUFFER);
    Ok(())
}

fn own_fault(fault: &ErrorStack) -> SetupFault {
    SetupFault(format!("OpenSSL: {fault}"))
}

const SUITES_OF_TLS13: &str = "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384";
