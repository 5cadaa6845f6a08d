//! What one unit of each measurement does: one script for every server that is measured. A reply that is not
//! the one awaited ends the session as a failure.

pub mod imap;
pub mod pop3;
pub mod submission;

use crate::client::{Client, Failure};
use crate::tls::Kind;

/// A handshake and a goodbye, with no word awaited.
pub async fn handshake(client: &Client) -> Result<(), Failure> {
    client.connect().await?.close().await
}

/// The same with the tickets of `lane`, each of which is fetched by a connection of that lane before.
pub async fn lane_handshake(client: &Client, lane: u32, kind: Kind) -> Result<(), Failure> {
    client.connect_as(lane, kind).await?.close().await
}

/// The runner writes a directory with the same names.
fn name_of(user: u32) -> String {
    format!("user{user}@bench.test")
}

/// The stub takes any.
const PASSWORD: &str = "pw";
