//! What crosses at the start and with each published table: plain objects, checked while they are
//! converted.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use napi::bindgen_prelude::*;
use napi_derive::napi;
use postern_engine::ProxyVersion;
use postern_engine::config as engine;
use postern_engine::config::EndpointTls;
use postern_engine::engine::Engine;
use postern_engine::trusted_proxies::TrustedProxies;
use postern_engine::{Pin, Profile, Trust};
use postern_route::table::{DatabaseRow, ServerRow, TableRows};

use crate::fault;

#[napi(object)]
pub struct EngineConfig {
    pub io_threads: u32,
    pub workers: u32,
    pub limits: EngineLimits,
    pub frontends: Vec<FrontendSetup>,
    /// Addresses and networks ("10.1.0.5", "10.2.0.0/16") whose PROXY headers are believed.
    pub trusted_proxies: Vec<String>,
    /// IP addresses of this machine that servers are dialled from, in turn; none: what the system chooses.
    pub source_addresses: Vec<String>,
    /// The first is the default for clients that name no server (SNI), or an unknown one.
    pub certificates: Vec<CertificatePair>,
}

#[napi(object)]
pub struct EngineLimits {
    pub connections_max: u32,
    pub connections_per_address_max: u32,
    pub line_bytes_max: u32,
    pub literal_bytes_max: u32,
    pub preamble_bytes_max: u32,
    pub preamble_timeout_ms: u32,
    pub tls_timeout_ms: u32,
    pub connect_timeout_ms: u32,
    pub login_attempts_max: u32,
    pub sessions_per_mailbox_max: u32,
    /// How long the answer to a refused login is held back at the most; 0: not at all.
    pub login_delay_max_ms: u32,
}

#[napi(object)]
pub struct FrontendSetup {
    pub name: String,
    pub protocol: u32,
    /// "127.0.0.1:2993", "[::1]:2993". Port 0 takes a free one: see Started.
    pub listeners: Vec<String>,
    #[napi(ts_type = "'implicit' | 'starttls'")]
    pub tls: String,
    /// Absent: modern. The others need `hasOpenssl`.
    #[napi(ts_type = "'modern' | 'compatible' | 'legacy'")]
    pub tls_profile: Option<String>,
    /// Each connection must begin with a PROXY header, from one of `trustedProxies`.
    pub proxy_protocol: bool,
    pub alpn: Vec<String>,
    pub idle_timeout_ms: u32,
    /// What the client gets when the engine itself ends the session.
    pub words: Vec<Words>,
}

#[napi(object)]
pub struct Words {
    /// The code of an end reason; 0 is for all others.
    pub reason: u32,
    pub text: String,
}

#[napi(object)]
pub struct CertificatePair {
    pub certificate_pem: String,
    pub key_pem: String,
}

#[napi(object)]
pub struct EngineTable {
    pub revision: i64,
    pub servers: Vec<EngineServer>,
    pub databases: Vec<EngineDatabase>,
}

#[napi(object)]
pub struct EngineServer {
    /// From `serverIndexes`.
    pub index: u32,
    /// Share of the hash ring; 0 keeps the server out of it.
    pub weight: u32,
    pub endpoints: Vec<EngineEndpoint>,
}

#[napi(object)]
pub struct EngineEndpoint {
    pub protocol: u32,
    /// An IP address.
    pub address: String,
    pub port: u32,
    #[napi(ts_type = "'implicit' | 'starttls' | 'off'")]
    pub tls: String,
    /// What the server's certificate must say; sent as SNI.
    pub tls_name: String,
    /// Certificates that may sign the server's, PEM. Unused where `tls` is off, and but for `verify: 'ca'`.
    pub ca_pem: String,
    /// `ca`: a certificate for `tlsName` that one of `caPem` has signed. `pin`: one of `pins`, whatever it
    /// says. `any`: any. Absent: ca.
    #[napi(ts_type = "'ca' | 'pin' | 'any'")]
    pub verify: Option<String>,
    /// SHA-256 of whole certificates, 64 hexadecimal digits each.
    pub pins: Option<Vec<String>>,
    /// Absent: modern. The others need `hasOpenssl`.
    #[napi(ts_type = "'modern' | 'compatible' | 'legacy'")]
    pub profile: Option<String>,
    /// The PROXY header that tells the server who the client is, ahead of TLS.
    #[napi(ts_type = "'none' | 'v1' | 'v2'")]
    pub proxy: String,
}

#[napi(object)]
pub struct EngineDatabase {
    /// From `databaseIndexes`.
    pub index: u32,
    /// Who has the active copy; -1 for nobody.
    pub server: i32,
    pub generation: i64,
}

impl EngineConfig {
    pub fn into_engine(self) -> Result<(engine::EngineConfig, Vec<CertificatePair>)> {
        let limits = &self.limits;
        let limits = engine::Limits {
            connections_max: limits.connections_max,
            connections_per_address_max: limits.connections_per_address_max,
            line_bytes_max: limits.line_bytes_max as usize,
            literal_bytes_max: limits.literal_bytes_max as usize,
            preamble_bytes_max: limits.preamble_bytes_max as usize,
            preamble_timeout_ms: limits.preamble_timeout_ms.into(),
            tls_timeout_ms: limits.tls_timeout_ms.into(),
            connect_timeout_ms: limits.connect_timeout_ms.into(),
            login_attempts_max: limits.login_attempts_max,
            sessions_per_mailbox_max: limits.sessions_per_mailbox_max,
            login_delay_max_ms: limits.login_delay_max_ms.into(),
        };
        if !(1..=IO_THREADS_MAX).contains(&self.io_threads) {
            return Err(fault(format!("{} IO threads; 1 to {IO_THREADS_MAX} are possible", self.io_threads)));
        }
        let frontends = self.frontends.into_iter().map(frontend).collect::<Result<_>>()?;
        let trusted_proxies = self.trusted_proxies.iter().map(String::as_str);
        let source_addresses = self.source_addresses.iter().map(|text| ip_address(text));
        let config = engine::EngineConfig {
            io_threads: self.io_threads as usize,
            workers: self.workers as usize,
            limits,
            frontends,
            trusted_proxies: TrustedProxies::parse(trusted_proxies).map_err(fault)?,
            source_addresses: source_addresses.collect::<Result<_>>()?,
        };
        Ok((config, self.certificates))
    }
}

fn frontend(setup: FrontendSetup) -> Result<engine::FrontendConfig> {
    let listeners = setup.listeners.iter().map(|text| socket_address(text)).collect::<Result<_>>()?;
    let words: HashMap<u32, Vec<u8>> =
        setup.words.into_iter().map(|words| (words.reason, words.text.into_bytes())).collect();
    let tls = match setup.tls.as_str() {
        "implicit" => engine::FrontendTls::Implicit,
        "starttls" => engine::FrontendTls::StartTls,
        other => return Err(fault(format!("{}: tls cannot be {other}", setup.name))),
    };
    Ok(engine::FrontendConfig {
        tls_profile: profile(setup.tls_profile.as_deref())?,
        protocol: protocol(setup.protocol)?,
        name: setup.name,
        listeners,
        tls,
        is_proxied: setup.proxy_protocol,
        alpn: setup.alpn,
        idle_timeout_ms: setup.idle_timeout_ms.into(),
        words: engine::Words::new(words),
    })
}

impl EngineTable {
    pub fn into_rows(self, engine: &Engine) -> Result<TableRows<engine::Endpoint>> {
        let servers =
            self.servers.into_iter().map(|server| server_row(engine, server)).collect::<Result<_>>()?;
        let databases = self.databases.iter().map(database_row).collect::<Result<_>>()?;
        Ok(TableRows { revision: whole(self.revision)?, servers, databases })
    }
}

fn server_row(engine: &Engine, server: EngineServer) -> Result<ServerRow<engine::Endpoint>> {
    let mut endpoints = Vec::new();
    for endpoint in server.endpoints {
        endpoints.push((protocol(endpoint.protocol)?, endpoint.into_engine(engine)?));
    }
    Ok(ServerRow { index: server.index, weight: server.weight, endpoints })
}

fn database_row(database: &EngineDatabase) -> Result<DatabaseRow> {
    Ok(DatabaseRow {
        index: database.index,
        server: u32::try_from(database.server).ok(),
        generation: whole(database.generation)?,
    })
}

impl EngineEndpoint {
    pub fn into_engine(self, engine: &Engine) -> Result<engine::Endpoint> {
        let ip = ip_address(&self.address)?;
        let port = u16::try_from(self.port).map_err(|_| fault(format!("{} is no port", self.port)))?;
        let visiting = || engine.visiting(profile(self.profile.as_deref())?, self.trust()?).map_err(fault);
        let tls = match self.tls.as_str() {
            "off" => EndpointTls::Off,
            "implicit" => EndpointTls::Implicit(visiting()?),
            "starttls" => EndpointTls::StartTls(visiting()?),
            other => return Err(fault(format!("{ip}: tls cannot be {other}"))),
        };
        Ok(engine::Endpoint {
            protocol: protocol(self.protocol)?,
            address: SocketAddr::new(ip, port),
            tls,
            tls_name: self.tls_name.into(),
            proxy: proxy_version(&self.proxy)?,
        })
    }

    fn trust(&self) -> Result<Trust> {
        match self.verify.as_deref() {
            None | Some("ca") => Ok(Trust::Authorities(self.ca_pem.clone())),
            Some("any") => Ok(Trust::Anyone),
            Some("pin") => {
                let pins = self.pins.iter().flatten();
                let pins =
                    pins.map(|text| Pin::parse(text).ok_or_else(|| fault(format!("{text} is no SHA-256"))));
                pins.collect::<Result<_>>().map(Trust::Pins)
            }
            Some(other) => Err(fault(format!("verify cannot be {other}"))),
        }
    }
}

fn profile(name: Option<&str>) -> Result<Profile> {
    let Some(name) = name else { return Ok(Profile::Modern) };
    Profile::named(name).ok_or_else(|| fault(format!("no TLS profile is called {name}")))
}

fn proxy_version(text: &str) -> Result<Option<ProxyVersion>> {
    match text {
        "none" => Ok(None),
        "v1" => Ok(Some(ProxyVersion::V1)),
        "v2" => Ok(Some(ProxyVersion::V2)),
        other => Err(fault(format!("proxy cannot be {other}"))),
    }
}

fn ip_address(text: &str) -> Result<IpAddr> {
    text.parse().map_err(|_| fault(format!("{text} is no IP address")))
}

fn socket_address(text: &str) -> Result<SocketAddr> {
    text.parse().map_err(|_| fault(format!("{text} is no address with a port")))
}

pub fn protocol(code: u32) -> Result<u8> {
    u8::try_from(code).map_err(|_| fault(format!("no protocol has the code {code}")))
}

fn whole(number: i64) -> Result<u64> {
    u64::try_from(number).map_err(|_| fault(format!("{number} is below zero")))
}

/// What a session id has room for.
const IO_THREADS_MAX: u32 = postern_engine::IO_THREADS_MAX;
