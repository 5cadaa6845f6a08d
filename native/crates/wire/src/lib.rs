//! What crosses the wire, as pure state machines: bytes in, verdicts out. No sockets, no
//! TLS, no clock; the engine reads and writes, and asks here what the bytes amount to.
//!
//! In reading order:
//! - [`proxy_header`] reads and writes what stands before the first byte of a connection;
//! - [`framer`] cuts a client's preamble into lines and literals;
//! - [`server_lines`] cuts a server's answers into lines, and makes them fit for logs and clients;
//! - [`customs`] says what of both differs between the protocols;
//! - [`request`] decodes what a worker asks for with a handoff, and [`script`] the script in it;
//! - [`script_run`] plays one, step by step;
//! - [`tracker`] follows a splice, and knows when a goodbye can be put in;
//! - [`tls_offer`] knows what TLS there is and which profile speaks it, [`tls_hello`] asks a server for it.

pub mod customs;
pub mod framer;
pub mod proxy_header;
pub mod request;
pub mod script;
pub mod script_run;
pub mod server_lines;
pub mod tls_hello;
pub mod tls_offer;
pub mod tracker;
