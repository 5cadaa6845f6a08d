//! The workers' commands: records become messages for the IO threads. The numbers and forms are those of
//! docs/design/0001-engine-contract.md.

use postern_queue::session_id::SessionId;
use postern_queue::worker_queue::HEAD_WORDS;
use postern_wire::script::Script;
use zeroize::Zeroizing;

use crate::end_reason::EndReason;
use crate::handoff::Request;
use crate::inbox::{Inbox, Message};
use crate::slot::SessionCommand;

/// Gives each command to its session's thread; one wake a thread. Malformed records are left out.
///
/// # Errors
/// In words, the first of them.
pub fn submit(inboxes: &[Inbox], heads: &[u32], bytes: &[u8]) -> Result<(), String> {
    let mut by_thread: Vec<Vec<Message>> = inboxes.iter().map(|_| Vec::new()).collect();
    let mut fault = None;
    let mut at = 0;
    for record in heads.chunks_exact(HEAD_WORDS) {
        let &[op, low, high, argument, length] = record else { continue };
        let end = at + length as usize;
        let Some(payload) = bytes.get(at..end) else {
            fault.get_or_insert(format!("a record of {length} bytes, beyond the array's end"));
            break;
        };
        at = end;
        let id = SessionId::from_halves(low, high);
        match (command(op, argument, payload), by_thread.get_mut(id.thread())) {
            (Ok(command), Some(messages)) => messages.push(Message::Session(id, command)),
            (Ok(_), None) => drop(fault.get_or_insert_with(|| "a session of no thread".into())),
            (Err(what), _) => drop(fault.get_or_insert(what)),
        }
    }
    for (inbox, messages) in inboxes.iter().zip(&mut by_thread) {
        inbox.push_all(messages);
    }
    fault.map_or(Ok(()), Err)
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
        #[cfg(feature = "faults")]
        OP_PANIC => SessionCommand::Panic,
        _ => return Err(format!("no command has the number {op}")),
    })
}

fn reason(code: u32) -> Result<EndReason, String> {
    EndReason::of(code).ok_or_else(|| format!("no end reason has the code {code}"))
}

fn request(bytes: &[u8]) -> Result<Request, String> {
    let mut form = Form { bytes };
    let [server, database, generation_low, generation_high, mailbox_low, mailbox_high, flags] =
        form.words()?;
    let script = Script::decode(form.bytes).map_err(|fault| format!("handoff script: {fault}"))?;
    Ok(Request {
        server,
        database: (database != NO_DATABASE).then_some(database),
        generation: joined(generation_low, generation_high),
        mailbox: joined(mailbox_low, mailbox_high),
        is_exclusive: flags & EXCLUSIVE != 0,
        script,
    })
}

/// The fixed words in front of a script.
struct Form<'a> {
    bytes: &'a [u8],
}

impl Form<'_> {
    fn words<const COUNT: usize>(&mut self) -> Result<[u32; COUNT], String> {
        let mut words = [0; COUNT];
        for word in &mut words {
            let (first, rest) = self.bytes.split_first_chunk().ok_or("a handoff cut short")?;
            *word = u32::from_le_bytes(*first);
            self.bytes = rest;
        }
        Ok(words)
    }
}

fn joined(low: u32, high: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

/// Far from the commands of the contract, of which it is none.
#[cfg(feature = "faults")]
pub const OP_PANIC: u32 = 99;
const NO_DATABASE: u32 = u32::MAX;
const EXCLUSIVE: u32 = 1;
