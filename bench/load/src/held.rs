//! Connections that are opened before a run and used again and again in it: one for each lane of the closed
//! loop.

use std::cell::RefCell;
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use crate::client::{Connection, Failure};
use crate::closed_loop::{self, Bounds};

/// The lanes' connections. A lane whose connection has failed has none from then on: each further unit of it
/// is an error, and the run ends at the bound of those.
pub struct Held(Vec<RefCell<Option<Connection>>>);

impl Held {
    /// Opens one for each lane by `open`, which is given the lane. All or none.
    pub async fn open<Open, Opening>(lanes: u32, open: Open) -> Result<Rc<Self>, String>
    where
        Open: Fn(u32) -> Opening + 'static,
        Opening: Future<Output = Result<Connection, Failure>> + 'static,
    {
        let held = Rc::new(Self((0..lanes).map(|_| RefCell::default()).collect()));
        let kept = held.clone();
        let open = Rc::new(open);
        let unit = move |turn: closed_loop::Turn| {
            let (held, open) = (kept.clone(), open.clone());
            async move {
                let connection = open(turn.number).await?;
                held.put(turn.number, connection);
                Ok(())
            }
        };
        let bounds = Bounds { units: lanes, parallel: lanes.min(OPENING_MAX), time: OPENING_TIME_MAX };
        let tally = closed_loop::run(bounds, unit).await;
        if tally.samples.count() < lanes as usize {
            let ready = tally.samples.count();
            return Err(format!("only {ready} of {lanes} sessions were ready: {}", tally.first_error));
        }
        Ok(held)
    }

    /// Lends the lane's connection to `work`, and keeps it unless that fails.
    pub async fn with<Work, Working, Done>(&self, lane: u32, work: Work) -> Result<Done, Failure>
    where
        Work: FnOnce(Connection) -> Working,
        Working: Future<Output = (Connection, Result<Done, Failure>)>,
    {
        let connection = self.take(lane).ok_or(Failure::Closed)?;
        let (connection, outcome) = work(connection).await;
        if outcome.is_ok() {
            self.put(lane, connection);
        }
        outcome
    }

    pub fn take(&self, lane: u32) -> Option<Connection> {
        self.0.get(lane as usize)?.take()
    }

    pub fn put(&self, lane: u32, connection: Connection) {
        if let Some(place) = self.0.get(lane as usize) {
            *place.borrow_mut() = Some(connection);
        }
    }

    /// Says goodbye on all of them.
    pub async fn close(&self) {
        for place in &self.0 {
            let connection = place.take();
            if let Some(connection) = connection {
                let _ = tokio::time::timeout(CLOSING_TIME_MAX, connection.close()).await;
            }
        }
    }
}

/// As many logins at once as a login run has.
const OPENING_MAX: u32 = 32;
const OPENING_TIME_MAX: Duration = Duration::from_secs(60);
const CLOSING_TIME_MAX: Duration = Duration::from_secs(1);
