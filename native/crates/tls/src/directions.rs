//! The two directions of a TLS side, and how each of them ends: the same whatever library carries it.

use crate::pending::Pending;
use crate::side::{ReadOutcome, SideFault};
use crate::sock::{Sock, send_fin};

/// What the other end sends us.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    Open,
    Ended { outcome: ReadOutcome, is_told: bool },
}

/// What we send.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writing {
    Open,
    /// `close_notify` is sealed; FIN follows once it is out.
    Closing,
    Closed,
}

impl Reading {
    pub(crate) fn ended(outcome: ReadOutcome) -> Self {
        Self::Ended { outcome, is_told: false }
    }

    /// How it ended, if it did; from now on that is told.
    pub(crate) fn tell_end(&mut self) -> Option<ReadOutcome> {
        match self {
            Self::Open => None,
            Self::Ended { outcome, is_told } => {
                *is_told = true;
                Some(*outcome)
            }
        }
    }

    pub(crate) fn has_untold_end(self) -> bool {
        matches!(self, Self::Ended { is_told: false, .. })
    }
}

impl Writing {
    /// Writes what waits, and FIN behind a begun close; true once all is out.
    pub(crate) fn flush(&mut self, pending: &mut Pending, sock: &dyn Sock) -> Result<bool, SideFault> {
        let is_closing = *self == Self::Closing;
        let is_out = match is_closing {
            true => pending.write_last(sock)?,
            false => pending.write(sock)?,
        };
        if !is_out {
            return Ok(false);
        }
        if is_closing {
            send_fin(sock)?;
            *self = Self::Closed;
        }
        Ok(true)
    }
}
