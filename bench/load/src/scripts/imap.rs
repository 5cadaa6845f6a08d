//! What the generator does in IMAP.

use std::time::{Duration, Instant};

use super::{PASSWORD, name_of};
use crate::client::{Client, Connection, Failure};

/// A whole login session, from the greeting to the last FIN.
pub async fn login_session(client: &Client, user: u32) -> Result<(), Failure> {
    let mut connection = log_in(client, user).await?;
    connection.say("a2 SELECT INBOX\r\n").await?;
    connection.expect("a2 OK").await?;
    log_out(connection).await
}

/// The shortest session that reaches a server, whether the gateway dials before the login or behind it.
pub async fn spliced_session(client: &Client, user: u32) -> Result<(), Failure> {
    log_out(log_in(client, user).await?).await
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

/// Up to the greeting; the connection is the caller's to keep.
pub async fn greeted(client: &Client) -> Result<Connection, Failure> {
    let mut connection = client.connect().await?;
    connection.expect("* OK").await?;
    Ok(connection)
}

/// Logs in; the connection is the caller's to keep.
pub async fn log_in(client: &Client, user: u32) -> Result<Connection, Failure> {
    let mut connection = client.connect().await?;
    connection.expect("* OK").await?;
    connection.say(&login_line(user)).await?;
    connection.expect("a1 OK").await?;
    Ok(connection)
}

/// A NOOP there and back, before the login or behind it.
pub async fn noop(connection: &mut Connection) -> Result<(), Failure> {
    connection.say("n NOOP\r\n").await?;
    connection.expect("n OK").await.map(|_| ())
}

/// As many pieces of that size as make a batch, asked for by one command.
pub async fn fetch(connection: &mut Connection, piece: u32) -> Result<(), Failure> {
    let last = batch_of(piece);
    connection.say(&format!("f FETCH 1:{last} (BODY.PEEK[]<0.{piece}>)\r\n")).await?;
    let got = connection.expect("f OK").await?;
    let wanted = batch_bytes(piece);
    if got == wanted { Ok(()) } else { Err(Failure::Size { got, wanted }) }
}

/// A batch of APPENDs with literals that await no word, ready to be sent again and again.
pub fn appends(piece: u32) -> Vec<u8> {
    let body = vec![b'x'; piece as usize];
    let mut text = Vec::new();
    for number in 1..=batch_of(piece) {
        text.extend_from_slice(format!("p{number} APPEND INBOX {{{piece}+}}\r\n").as_bytes());
        text.extend_from_slice(&body);
        text.extend_from_slice(b"\r\n");
    }
    text
}

/// Sends the batch, and awaits each answer.
pub async fn append(connection: &mut Connection, piece: u32, text: &[u8]) -> Result<(), Failure> {
    connection.write(text).await?;
    for number in 1..=batch_of(piece) {
        connection.expect(&format!("p{number} OK")).await?;
    }
    Ok(())
}

/// The bytes of the pieces of a batch.
pub fn batch_bytes(piece: u32) -> usize {
    batch_of(piece) as usize * piece as usize
}

/// Pieces in a batch: about 1 MiB together, so that what is said around them does not weigh.
fn batch_of(piece: u32) -> u32 {
    (BATCH_BYTES / piece).max(1)
}

async fn log_out(mut connection: Connection) -> Result<(), Failure> {
    connection.say("a3 LOGOUT\r\n").await?;
    connection.expect("* BYE").await?;
    connection.expect("a3 OK").await?;
    connection.close().await
}

fn login_line(user: u32) -> String {
    format!("a1 LOGIN {} {PASSWORD}\r\n", name_of(user))
}

const BATCH_BYTES: u32 = 1 << 20;
