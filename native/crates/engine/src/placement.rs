//! Where a session may be spliced to: the last look at the published table, under the lock of the mailbox's
//! pin. So an `exclusive` database never has sessions of one mailbox on two servers, whichever IO threads
//! they are on.

use std::sync::Arc;

use postern_route::pins::{Admission, PinRequest};

use crate::end_reason::EndReason;
use crate::engine::Engine;
use crate::slot::Placement;

/// Counts the session in its mailbox's pin.
///
/// # Errors
/// `CopyMoved`: the table has another owner or generation, or the server takes no new sessions any more.
/// `HeldElsewhere`: sessions live on another server.
/// `TooManyForMailbox`: it has as many sessions as it may.
pub fn admit(
    engine: &Engine,
    placement: Placement,
    protocol: u8,
    is_exclusive: bool,
) -> Result<(), EndReason> {
    let Placement { server: Some(server), database, generation, mailbox, .. } = placement else {
        return Err(EndReason::InternalError);
    };
    let sessions_max = engine.config.limits.sessions_per_mailbox_max;
    let request = PinRequest { mailbox, server, generation, exclusive: is_exclusive, sessions_max };
    let is_current = || {
        let table = engine.table.load();
        let is_owner = || database.is_none_or(|database| table.is_current(database, server, generation));
        table.endpoint(server, protocol).is_some() && (!is_exclusive || is_owner())
    };
    match engine.pins.admit(request, is_current) {
        Admission::Admitted => Ok(()),
        Admission::Moved => Err(EndReason::CopyMoved),
        Admission::Elsewhere(_) => Err(EndReason::HeldElsewhere),
        Admission::Full => Err(EndReason::TooManyForMailbox),
    }
}

/// A session that counts in a pin; it does until this is dropped.
pub struct PinGuard {
    engine: Arc<Engine>,
    mailbox: u64,
    server: u32,
}

impl PinGuard {
    /// Takes over the count of an admission.
    #[must_use]
    pub fn of(engine: &Arc<Engine>, placement: Placement) -> Self {
        let server = placement.server.unwrap_or(u32::MAX);
        Self { engine: Arc::clone(engine), mailbox: placement.mailbox, server }
    }
}

impl Drop for PinGuard {
    fn drop(&mut self) {
        self.engine.pins.release(self.mailbox, self.server);
    }
}
