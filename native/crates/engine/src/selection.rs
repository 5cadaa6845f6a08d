//! Which sessions the main thread means, what it is shown of them, and how the answers of all IO threads
//! meet.

use std::sync::{Mutex, PoisonError};

use postern_queue::session_id::SessionId;

use crate::config::FrontendConfig;
use crate::slot::{Placement, Slot};

/// Sessions that match all that is given.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    pub sessions: Option<Vec<u64>>,
    pub mailbox: Option<u64>,
    pub database: Option<u32>,
    pub server: Option<u32>,
    /// Those that are on this server are left out.
    pub except_server: Option<u32>,
    /// Those of frontends that speak this protocol.
    pub protocol: Option<u8>,
}

impl Selection {
    /// `frontends`: the slot's place in them says what it speaks.
    #[must_use]
    pub fn matches(&self, slot: &Slot, frontends: &[FrontendConfig]) -> bool {
        let Placement { server, database, mailbox, .. } = slot.placement.get();
        self.sessions.as_ref().is_none_or(|ids| ids.contains(&slot.id.number()))
            && self.mailbox.is_none_or(|wanted| server.is_some() && wanted == mailbox)
            && self.database.is_none_or(|wanted| database == Some(wanted))
            && self.server.is_none_or(|wanted| server == Some(wanted))
            && self.except_server.is_none_or(|spared| server.is_some_and(|server| server != spared))
            && self.protocol.is_none_or(|wanted| {
                frontends.get(slot.frontend).is_some_and(|frontend| frontend.protocol == wanted)
            })
    }
}

/// What is shown of one session.
#[derive(Clone, Debug)]
pub struct SessionRow {
    pub id: SessionId,
    pub frontend: usize,
    pub phase: &'static str,
    pub client: std::net::SocketAddr,
    /// The load balancer that it came by.
    pub proxy: Option<std::net::SocketAddr>,
    pub user: Box<str>,
    pub placement: Placement,
    pub age_ms: u64,
    pub idle_ms: u64,
    pub bytes_in: u64,
    pub bytes_out: u64,
}

impl SessionRow {
    #[must_use]
    pub fn of(slot: &Slot, now_ms: u64) -> Self {
        Self {
            id: slot.id,
            frontend: slot.frontend,
            phase: slot.phase.get().name(),
            client: slot.client,
            proxy: slot.via.as_ref().map(|via| via.proxy),
            user: slot.user.borrow().clone(),
            placement: slot.placement.get(),
            age_ms: now_ms.saturating_sub(slot.started_ms),
            idle_ms: now_ms.saturating_sub(slot.active_ms.get()),
            bytes_in: slot.bytes_in.get(),
            bytes_out: slot.bytes_out.get(),
        }
    }
}

/// Collects the parts of an answer from all IO threads, and gives the whole to the one who asked.
pub struct Gather<Part> {
    state: Mutex<GatherState<Part>>,
}

struct GatherState<Part> {
    missing: usize,
    parts: Vec<Part>,
    limit: usize,
    answer: Option<Box<dyn FnOnce(Vec<Part>) + Send>>,
}

impl<Part> Gather<Part> {
    #[must_use]
    pub fn new(threads: usize, limit: usize, answer: Box<dyn FnOnce(Vec<Part>) + Send>) -> Self {
        let state = GatherState { missing: threads, parts: Vec::new(), limit, answer: Some(answer) };
        Self { state: Mutex::new(state) }
    }

    /// One thread's part; the last one brings the answer. Parts beyond the limit are left out.
    pub fn add(&self, part: impl IntoIterator<Item = Part>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let room = state.limit.saturating_sub(state.parts.len());
        state.parts.extend(part.into_iter().take(room));
        state.missing = state.missing.saturating_sub(1);
        if state.missing > 0 {
            return;
        }
        let parts = std::mem::take(&mut state.parts);
        let answer = state.answer.take();
        drop(state);
        if let Some(answer) = answer {
            answer(parts);
        }
    }
}
