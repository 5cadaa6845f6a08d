//! The client's bytes: read, cut into lines and literals for the worker, kept until they are consumed.

use postern_tls::{ReadOutcome, Side};
use postern_wire::framer::{Fault, Framed};
use zeroize::{Zeroize, Zeroizing};

use super::{Delivery, Preamble, broken};
use crate::end_reason::EndReason;
use crate::session::Ending;
use crate::slot::Phase;
use crate::worker_link::{Event, News};

impl Preamble<'_> {
    /// During a handoff reading goes on, whatever the worker has room for: so a client that leaves is
    /// noticed.
    pub(super) fn has_room(&self) -> bool {
        let is_delivered = self.undelivered.is_none() || self.slot().phase.get() == Phase::Handoff;
        self.read_total < self.io().engine.config.limits.preamble_bytes_max && is_delivered
    }

    /// Reads until the socket is empty or there is enough.
    pub(super) fn read_client(&mut self) -> Result<(), Ending> {
        while self.has_room() {
            let Self { client, read, .. } = self;
            let before = read.len();
            let outcome = self.guard.io.with_read_scratch(|scratch| {
                let outcome =
                    client.side.read(&client.net, scratch, &mut |bytes| extend_zeroing(read, bytes));
                scratch.wipe();
                outcome
            });
            self.read_total += self.read.len() - before;
            match outcome {
                Ok(ReadOutcome::Bytes(_)) => {}
                Ok(ReadOutcome::WouldBlock) => return Ok(()),
                Ok(ReadOutcome::Closed | ReadOutcome::Truncated) => return self.client_left(),
                Err(fault) => return Err(broken(&fault)),
            }
        }
        Ok(())
    }

    /// Who leaves with nothing open is gone. Else what it asked for may still be done, within the bound that
    /// frees the server's side (V36).
    fn client_left(&mut self) -> Result<(), Ending> {
        self.has_left = true;
        if self.read.is_empty() {
            return Err(Ending::quiet(EndReason::ClientQuit));
        }
        self.put_deadline(self.slot().deadline_ms().min(self.io().now_ms() + LEFT_GRACE_MS));
        Ok(())
    }

    /// Gives the worker each whole line and literal, until it has enough for now.
    pub(super) fn frame(&mut self) -> Result<(), Ending> {
        if self.is_foreign_hello() {
            return self.fault(EndReason::WrongProtocol);
        }
        if let Some(delivery) = self.undelivered.take() {
            self.deliver(delivery);
        }
        while self.undelivered.is_none() && self.fault.is_none() && self.unconsumed.len() < PIECES_MAX {
            let start = self.framed;
            match self.framer.next(self.read.get(start..).unwrap_or_default()) {
                Framed::Line { text, length } => {
                    self.framed += length;
                    self.deliver(Delivery { event: Event::Line, start, length: text, end: self.framed });
                }
                Framed::Literal { length } => {
                    self.framed += length;
                    self.deliver(Delivery { event: Event::Literal, start, length, end: self.framed });
                }
                Framed::Incomplete if !self.has_room() => self.fault(EndReason::PreambleTooLong)?,
                Framed::Incomplete | Framed::Blocked => return Ok(()),
                Framed::Fault(fault) => self.fault(reason_of(fault))?,
            }
        }
        Ok(())
    }

    /// A TLS handshake where clear text is due (RFC 8446 section 5.1: type 22, version 3). It has no line's
    /// end to wait for.
    fn is_foreign_hello(&self) -> bool {
        let is_begin = self.base == 0 && self.framed == 0 && self.fault.is_none();
        is_begin && self.read.starts_with(&[0x16, 3])
    }

    fn deliver(&mut self, delivery: Delivery) {
        let Delivery { event, start, length, end } = delivery;
        let bytes = self.read.get(start..start + length).unwrap_or_default();
        let offset = self.base.wrapping_add(end as u32);
        let news = News { event, id: self.slot().id, argument: offset, bytes };
        match self.worker() {
            Some(worker) if worker.push(self.io(), news) => {
                self.unconsumed.push_back(offset);
            }
            _ => self.undelivered = Some(delivery),
        }
    }

    /// The worker says the refusal in its protocol and ends; should it not, the deadline does.
    pub(super) fn fault(&mut self, reason: EndReason) -> Result<(), Ending> {
        self.fault = Some(reason);
        let from_ms = self.io().now_ms().max(self.held_until_ms);
        self.put_deadline(self.slot().deadline_ms().min(from_ms + REFUSAL_GRACE_MS));
        self.tell(Event::Fault, reason.code(), &[])
    }

    /// Forgets, and overwrites, what the worker has dealt with. 0: nothing new.
    pub(super) fn consume(&mut self, offset: u32) {
        let count = offset.wrapping_sub(self.base) as usize;
        if offset == 0 || count == 0 || count > self.framed {
            return;
        }
        let left = self.read.len() - count;
        self.read.copy_within(count.., 0);
        if let Some(tail) = self.read.get_mut(left..) {
            tail.zeroize();
        }
        self.read.truncate(left);
        self.base = offset;
        self.framed -= count;
        while let Some(end) = self.unconsumed.front()
            && offset.wrapping_sub(*end) < u32::MAX / 2
        {
            self.unconsumed.pop_front();
        }
        if let Some(delivery) = &mut self.undelivered {
            delivery.start = delivery.start.saturating_sub(count);
            delivery.end = delivery.end.saturating_sub(count);
        }
    }
}

/// Grows without leaving the old bytes behind in freed memory.
fn extend_zeroing(read: &mut Zeroizing<Vec<u8>>, bytes: &[u8]) {
    if read.capacity() - read.len() < bytes.len() {
        let mut grown = Vec::with_capacity((read.len() + bytes.len()).next_power_of_two().max(256));
        grown.extend_from_slice(read);
        *read = Zeroizing::new(grown);
    }
    read.extend_from_slice(bytes);
}

fn reason_of(fault: Fault) -> EndReason {
    match fault {
        Fault::LineTooLong => EndReason::LineTooLong,
        Fault::LiteralTooLong => EndReason::LiteralTooLong,
        Fault::BareCr | Fault::Nul | Fault::BareLf => EndReason::Syntax,
    }
}

/// V36 asks for the server's side to be closed within a second of the client's leaving.
const LEFT_GRACE_MS: u64 = 900;
/// Lines and literals that a client may have sent ahead of the first answer: a share of the worker's queue
/// that leaves room for others. One command may be so long: an ID of thirty pairs by literals is 121 pieces,
/// and a worker passes over at most 64 literals of a command that it refuses.
const PIECES_MAX: usize = 160;
/// For the worker to say a refusal.
const REFUSAL_GRACE_MS: u64 = 1_000;
