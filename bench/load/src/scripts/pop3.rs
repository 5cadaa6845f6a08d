//! What the generator does in POP3.

use super::{PASSWORD, name_of};
use crate::client::{Client, Connection, Failure};

/// A whole login session, from the greeting to the last FIN: one command at a time, as mail programs have it.
pub async fn login_session(client: &Client, user: u32) -> Result<(), Failure> {
    let mut connection = client.connect().await?;
    expect(&mut connection, "+OK").await?;
    connection.say(&format!("USER {}\r\n", name_of(user))).await?;
    expect(&mut connection, "+OK").await?;
    connection.say(&format!("PASS {PASSWORD}\r\n")).await?;
    expect(&mut connection, "+OK").await?;
    // Only the server knows these figures: a gateway that answers for it is found out.
    connection.say("STAT\r\n").await?;
    expect(&mut connection, "+OK 3 12288").await?;
    connection.say("QUIT\r\n").await?;
    expect(&mut connection, "+OK").await?;
    connection.close().await
}

/// The very next line begins so.
async fn expect(connection: &mut Connection, start: &str) -> Result<(), Failure> {
    let line = connection.line().await?;
    if line.starts_with(start.as_bytes()) { Ok(()) } else { Err(Failure::reply(&line)) }
}
