//! What the generator does in submission.

use super::{PASSWORD, name_of};
use crate::base64;
use crate::client::{Client, Connection, Failure};

/// A whole session with one message, from the greeting to the last FIN: one command at a time.
pub async fn session(client: &Client, user: u32, message: &[u8]) -> Result<(), Failure> {
    let name = name_of(user);
    let proof = base64::encode(format!("\0{name}\0{PASSWORD}").as_bytes());
    let mut connection = client.connect().await?;
    reply(&mut connection, "220").await?;
    connection.say("EHLO client.bench.test\r\n").await?;
    let offer = reply(&mut connection, "250").await?;
    if !offers_plain(&offer) {
        return Err(Failure::Reply("no AUTH PLAIN in the answer to EHLO".to_owned()));
    }
    connection.say(&format!("AUTH PLAIN {proof}\r\n")).await?;
    reply(&mut connection, "235").await?;
    connection.say(&format!("MAIL FROM:<{name}>\r\n")).await?;
    reply(&mut connection, "250").await?;
    connection.say("RCPT TO:<someone@elsewhere.test>\r\n").await?;
    reply(&mut connection, "250").await?;
    connection.say("DATA\r\n").await?;
    reply(&mut connection, "354").await?;
    connection.write(message).await?;
    // The server says how much it took: nothing was lost or added on the way.
    let taken = reply(&mut connection, "250").await?;
    if !taken.starts_with(TAKEN) {
        return Err(Failure::reply(&taken));
    }
    connection.say("QUIT\r\n").await?;
    reply(&mut connection, "221").await?;
    connection.close().await
}

/// A message of 4 KiB, dot stuffed and with the dot that ends it, ready to be sent again and again.
pub fn message() -> Vec<u8> {
    let mut text =
        b"From: <a@bench.test>\r\nSubject: a message\r\n\r\n.a line that begins with a dot\r\n".to_vec();
    while text.len() + LINE.len() <= MESSAGE_BYTES {
        text.extend_from_slice(LINE);
    }
    let padding = MESSAGE_BYTES.saturating_sub(text.len() + b"\r\n".len());
    text.resize(text.len() + padding, b'x');
    text.extend_from_slice(b"\r\n");
    stuffed(&text)
}

/// RFC 5321 section 4.5.2.
fn stuffed(text: &[u8]) -> Vec<u8> {
    let mut stuffed = Vec::with_capacity(text.len() + 8);
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b".") {
            stuffed.push(b'.');
        }
        stuffed.extend_from_slice(line);
    }
    stuffed.extend_from_slice(b".\r\n");
    stuffed
}

/// RFC 5321 section 4.2.1: a reply of several lines has a hyphen behind the code in all but the last.
async fn reply(connection: &mut Connection, code: &str) -> Result<Vec<u8>, Failure> {
    let mut lines = Vec::new();
    loop {
        let line = connection.line().await?;
        let Some(rest) = line.strip_prefix(code.as_bytes()) else { return Err(Failure::reply(&line)) };
        let is_last = !rest.starts_with(b"-");
        lines.extend_from_slice(&line);
        if is_last {
            return Ok(lines);
        }
        if lines.len() > REPLY_BYTES_MAX {
            return Err(Failure::TooLong);
        }
    }
}

/// RFC 4954 section 3.
fn offers_plain(reply: &[u8]) -> bool {
    reply.split(|byte| *byte == b'\n').any(|line| {
        let mut words = line.get(4..).unwrap_or_default().split(u8::is_ascii_whitespace);
        words.next() == Some(b"AUTH") && words.any(|word| word == b"PLAIN")
    })
}

const MESSAGE_BYTES: usize = 4096;
/// What the stub says behind the message.
const TAKEN: &[u8] = b"250 2.0.0 took 4096 bytes";
const LINE: &[u8] = b"The quick brown fox jumps over the lazy dog, again and again and again.\r\n";
/// An offer of hundreds of extensions is none of a mail server.
const REPLY_BYTES_MAX: usize = 16_384;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversation::Protocol;

    #[test]
    fn the_stub_takes_as_many_bytes_as_the_client_awaits() {
        let (mut conversation, mut output) = (Protocol::Submission.begin(), Vec::new());
        let login = b"EHLO a\r\nAUTH PLAIN x\r\nMAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\n";
        conversation.take(login, &mut output);
        output.clear();
        conversation.take(&message(), &mut output);
        assert_eq!(String::from_utf8_lossy(&output), "250 2.0.0 took 4096 bytes\r\n");
    }

    #[test]
    fn only_a_mechanism_that_is_offered_is_used() {
        for (reply, expected) in [
            ("250-a\r\n250-AUTH LOGIN PLAIN\r\n250 SIZE\r\n", true),
            ("250 AUTH PLAIN\r\n", true),
            ("250-a\r\n250 AUTH LOGIN XPLAIN\r\n", false),
            ("250-PLAIN AUTH\r\n250 8BITMIME\r\n", false),
            ("250 a\r\n", false),
        ] {
            assert_eq!(offers_plain(reply.as_bytes()), expected, "{reply}");
        }
    }
}
