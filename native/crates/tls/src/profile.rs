//! From a profile to a side: what a listener or a connection to a server begins TLS with, whichever library
//! carries it.

use std::sync::Arc;

use postern_wire::tls_offer::Profile;

use crate::client_setup::ClientSetup;
use crate::look_side::LookSide;
#[cfg(feature = "openssl")]
use crate::openssl_setup::{OpensslClient, OpensslServer};
#[cfg(feature = "openssl")]
use crate::openssl_side::OpensslSide;
use crate::server_setup::{CertificatePair, ServerSetup, SetupFault};
use crate::side::{AnySide, SideFault};
use crate::ticket_keys::TicketKeys;
use crate::tls_side::TlsSide;
use crate::trust::Trust;

/// Whether this build has the profiles `compatible` and `legacy`.
pub const HAS_OPENSSL: bool = cfg!(feature = "openssl");

/// What a listener begins TLS with.
pub enum Hosting {
    /// rustls.
    Modern(ServerSetup),
    /// An old profile.
    #[cfg(feature = "openssl")]
    Openssl(OpensslServer),
}

impl Hosting {
    /// As `ServerSetup::build`, for a profile.
    ///
    /// # Errors
    /// Which certificate or key is wrong, and how; a profile that this build lacks.
    pub fn build(
        profile: Profile,
        certificates: &[CertificatePair<'_>],
        alpn: &[&str],
        tickets: &Arc<TicketKeys>,
    ) -> Result<Self, SetupFault> {
        match profile {
            Profile::Modern => ServerSetup::build(certificates, alpn, tickets).map(Self::Modern),
            #[cfg(feature = "openssl")]
            old => OpensslServer::build(old, certificates, alpn).map(Self::Openssl),
            #[cfg(not(feature = "openssl"))]
            old => Err(lacking(old)),
        }
    }

    /// The server's side of a fresh connection.
    ///
    /// # Errors
    /// A setup that the library does not take; `build` has already refused those.
    pub fn side(&self) -> Result<AnySide, SideFault> {
        match self {
            Self::Modern(setup) => TlsSide::server(setup).map(AnySide::from),
            #[cfg(feature = "openssl")]
            Self::Openssl(setup) => OpensslSide::server(setup).map(AnySide::from),
        }
    }
}

/// What a connection to a server begins TLS with.
pub enum Visiting {
    /// rustls.
    Modern(ClientSetup),
    /// An old profile.
    #[cfg(feature = "openssl")]
    Openssl(OpensslClient),
    /// Only the question what the server offers: no session comes of it.
    Look,
}

impl Visiting {
    /// As `ClientSetup::build`, for a profile.
    ///
    /// # Errors
    /// Which of the authorities' certificates is wrong, and how; a profile that this build lacks.
    pub fn build(profile: Profile, trust: &Trust) -> Result<Self, SetupFault> {
        match profile {
            Profile::Modern => ClientSetup::build(trust).map(Self::Modern),
            #[cfg(feature = "openssl")]
            old => OpensslClient::build(old, trust).map(Self::Openssl),
            #[cfg(not(feature = "openssl"))]
            old => Err(lacking(old)),
        }
    }

    /// The client's side of a fresh connection to the server of this name.
    ///
    /// # Errors
    /// A name that is neither a DNS name nor an IP address.
    pub fn side(&self, server_name: &str) -> Result<AnySide, SideFault> {
        match self {
            Self::Modern(setup) => TlsSide::client(setup, server_name).map(AnySide::from),
            #[cfg(feature = "openssl")]
            Self::Openssl(setup) => OpensslSide::client(setup, server_name).map(AnySide::from),
            Self::Look => LookSide::new(server_name).map(AnySide::from),
        }
    }
}

#[cfg(not(feature = "openssl"))]
fn lacking(profile: Profile) -> SetupFault {
    SetupFault(format!("this build has no OpenSSL: the TLS profile {} can't be used", profile.name()))
}
