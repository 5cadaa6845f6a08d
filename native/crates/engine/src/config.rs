//! What the engine is started with, already checked by the control plane.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use postern_tls::{Profile, Visiting};
use postern_wire::proxy_header::Version;

use crate::end_reason::EndReason;
use crate::trusted_proxies::TrustedProxies;

#[derive(Debug)]
pub struct EngineConfig {
    pub io_threads: usize,
    pub workers: usize,
    pub limits: Limits,
    pub frontends: Vec<FrontendConfig>,
    /// Who may say, by a PROXY header, whose connection it brings.
    pub trusted_proxies: TrustedProxies,
    /// What servers are dialled from; none: what the system chooses.
    pub source_addresses: Vec<IpAddr>,
}

/// Bounds of what clients may take, each a setting with its reason in docs/settings.md.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub connections_max: u32,
    pub connections_per_address_max: u32,
    pub line_bytes_max: usize,
    pub literal_bytes_max: usize,
    pub preamble_bytes_max: usize,
    pub preamble_timeout_ms: u64,
    pub tls_timeout_ms: u64,
    pub connect_timeout_ms: u64,
    pub login_attempts_max: u32,
    pub sessions_per_mailbox_max: u32,
    /// How long the answer to a refused login is held back at the most; 0: not at all.
    pub login_delay_max_ms: u64,
}

#[derive(Debug)]
pub struct FrontendConfig {
    pub name: String,
    pub protocol: u8,
    pub listeners: Vec<SocketAddr>,
    pub tls: FrontendTls,
    pub tls_profile: Profile,
    /// Its connections begin with a PROXY header.
    pub is_proxied: bool,
    pub alpn: Vec<String>,
    pub idle_timeout_ms: u64,
    pub words: Words,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrontendTls {
    /// TLS from the first byte.
    Implicit,
    /// Clear until the front says so.
    StartTls,
}

/// What a client gets when the engine itself ends its session, in the frontend's protocol.
#[derive(Debug, Default)]
pub struct Words {
    by_code: HashMap<u32, Vec<u8>>,
}

impl Words {
    /// Code 0 stands for every reason without words of its own.
    #[must_use]
    pub fn new(by_code: HashMap<u32, Vec<u8>>) -> Self {
        Self { by_code }
    }

    #[must_use]
    pub fn of(&self, reason: EndReason) -> &[u8] {
        let own = self.by_code.get(&reason.code());
        own.or_else(|| self.by_code.get(&0)).map_or(&[], Vec::as_slice)
    }
}

/// How a server is reached for one protocol.
#[derive(Clone, Debug)]
pub struct Endpoint {
    pub protocol: u8,
    pub address: SocketAddr,
    pub tls: EndpointTls,
    /// What the server's certificate must say; sent as SNI.
    pub tls_name: Arc<str>,
    /// The PROXY header that comes before all else.
    pub proxy: Option<Version>,
}

#[derive(Clone)]
pub enum EndpointTls {
    Off,
    Implicit(Arc<Visiting>),
    StartTls(Arc<Visiting>),
}

impl std::fmt::Debug for EndpointTls {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Off => "Off",
            Self::Implicit(_) => "Implicit",
            Self::StartTls(_) => "StartTls",
        })
    }
}
