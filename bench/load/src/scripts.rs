//! What one unit of each measurement does. One session script for every server that is measured.

use std::time::{Duration, Instant};

use crate::client::{Client, Connection, Failure};

/// A whole login session, from the greeting to the last FIN.
pub async fn login_session(client: &Client, user: u32) -> Result<(), Failure> {
    let mut connection = log_in(client, user).await?;
    connection.say("a2 SELECT INBOX\r\n").await?;
    connection.expect("a2 OK").await?;
    log_out(connection).await
}

/// A handshake and a goodbye, with no word of IMAP awaited.
pub async fn handshake(client: &Client) -> Result<(), Failure> {
    client.connect().await?.close().await
}

/// Logs in and begins IDLE; the connection is the caller's to keep.
pub async fn idle_session(client: &Client, user: u32) -> Result<Connection, Failure> {
    let mut connection = log_in(client, user).await?;
    connection.say("a2 IDLE\r\n").await?;
    connection.expect("+ ").await?;
    Ok(connection)
}

/// How long the steps of one session took.
pub struct Steps {
    /// TCP and TLS, until the client may speak.
    pub open: Duration,
    /// From there until the greeting.
    pub greeting: Duration,
    /// From LOGIN sent until its OK.
    pub login: Duration,
    /// A NOOP there and back, after the login.
    pub noop: Duration,
}

impl Steps {
    /// What a user waits for before the first command of their own.
    pub fn until_login(&self) -> Duration {
        self.open + self.greeting + self.login
    }
}

/// One session with its steps timed.
pub async fn timed_session(client: &Client, user: u32) -> Result<Steps, Failure> {
    let begun = Instant::now();
    let mut connection = client.connect().await?;
    let opened = Instant::now();
    connection.expect("* OK").await?;
    let greeted = Instant::now();
    connection.say(&login_line(user)).await?;
    connection.expect("a1 OK").await?;
    let logged_in = Instant::now();
    connection.say("a2 NOOP\r\n").await?;
    connection.expect("a2 OK").await?;
    let answered = Instant::now();
    log_out(connection).await?;
    Ok(Steps {
        open: opened - begun,
        greeting: greeted - opened,
        login: logged_in - greeted,
        noop: answered - logged_in,
    })
}

async fn log_in(client: &Client, user: u32) -> Result<Connection, Failure> {
    let mut connection = client.connect().await?;
    connection.expect("* OK").await?;
    connection.say(&login_line(user)).await?;
    connection.expect("a1 OK").await?;
    Ok(connection)
}

async fn log_out(mut connection: Connection) -> Result<(), Failure> {
    connection.say("a3 LOGOUT\r\n").await?;
    connection.expect("* BYE").await?;
    connection.expect("a3 OK").await?;
    connection.close().await
}

/// The runner writes a directory with the same names.
fn login_line(user: u32) -> String {
    format!("a1 LOGIN user{user}@bench.test pw\r\n")
}
