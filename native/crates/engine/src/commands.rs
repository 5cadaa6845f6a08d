//! The workers' commands: records become messages for the IO threads. The numbers and forms are those of
//! docs/design/0001-engine-contract.md.

use postern_queue::records::{BeyondArray, Record, records};
use postern_wire::request::Request;
use zeroize::Zeroizing;

use crate::end_reason::EndReason;
use crate::inbox::{Inbox, Message};
use crate::slot::SessionCommand;

/// Gives each command to its session's thread; one wake a thread. Malformed records are left out.
///
/// # Errors
/// In words, the first of them.
pub fn submit(inboxes: &[Inbox], heads: &[u32], bytes: &[u8]) -> Result<(), String> {
    let mut by_thread: Vec<Vec<Message>> = inboxes.iter().map(|_| Vec::new()).collect();
    let mut fault = None;
    for record in records(heads, bytes) {
        if let Err(what) = record.map_err(beyond).and_then(|record| sort_in(&mut by_thread, record)) {
            fault.get_or_insert(what);
        }
    }
    for (inbox, messages) in inboxes.iter().zip(&mut by_thread) {
        inbox.push_all(messages);
    }
    fault.map_or(Ok(()), Err)
}

fn sort_in(by_thread: &mut [Vec<Message>], record: Record<'_>) -> Result<(), String> {
    let Record { op, session, argument, bytes } = record;
    let command = command(op, argument, bytes)?;
    let messages = by_thread.get_mut(session.thread()).ok_or("a session of no thread")?;
    messages.push(Message::Session(session, command));
    Ok(())
}

fn beyond(BeyondArray { length }: BeyondArray) -> String {
    format!("a record of {length} bytes, beyond the array's end")
}

fn command(op: u32, argument: u32, bytes: &[u8]) -> Result<SessionCommand, String> {
    let owned = || bytes.to_vec();
    Ok(match op {
        1 => SessionCommand::Write { consumed: argument, bytes: Zeroizing::new(owned()) },
        2 => SessionCommand::StartTls { consumed: argument, answer: owned() },
        3 => SessionCommand::Handoff { consumed: argument, request: Box::new(request(bytes)?) },
        4 => SessionCommand::ExpectLiteral { length: argument, continuation: owned() },
        5 => SessionCommand::ExpectLine,
        6 => SessionCommand::End { reason: reason(argument)?, words: owned() },
        7 => SessionCommand::Hold { milliseconds: argument },
        8 => SessionCommand::Name(String::from_utf8_lossy(bytes).into()),
        9 => SessionCommand::Refuse { consumed: argument, bytes: owned() },
        #[cfg(feature = "faults")]
        OP_PANIC => SessionCommand::Panic,
        _ => return Err(format!("no command has the number {op}")),
    })
}

fn reason(code: u32) -> Result<EndReason, String> {
    EndReason::of(code).ok_or_else(|| format!("no end reason has the code {code}"))
}

fn request(bytes: &[u8]) -> Result<Request, String> {
    Request::decode(bytes).map_err(|fault| fault.to_string())
}

/// Far from the commands of the contract, of which it is none.
#[cfg(feature = "faults")]
pub const OP_PANIC: u32 = 99;
