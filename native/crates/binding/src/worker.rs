//! A worker's end of the contract in docs/design/0001-engine-contract.md.

use std::ffi::CString;
use std::sync::Arc;

use napi::bindgen_prelude::*;
use napi::threadsafe_function::ThreadsafeFunctionCallMode;
use napi_derive::napi;
use postern_engine::engine::Engine;
use postern_engine::worker_link::WorkerId;

use crate::{arrays, engine, fault};

/// A worker's place in the engine: from `join` until `leave`, or until its thread ends.
#[napi]
pub struct Joined {
    engine: Arc<Engine>,
    id: WorkerId,
}

/// Takes the place `index` among the workers. `wake` is called when events wait: it carries nothing, and
/// keeps nothing alive. Drain until nothing is left.
#[napi(catch_unwind)]
pub fn join(env: Env, index: u32, wake: Function<(), ()>) -> Result<Joined> {
    let engine = Arc::clone(engine()?);
    let index = index as usize;
    name_thread(index);
    let wake = wake.build_threadsafe_function::<()>().weak::<true>().build()?;
    // A worker that is being torn down refuses the call; then there is nobody to wake.
    let wake = move || {
        let _ = wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
    };
    let turn =
        engine.join(index, Box::new(wake)).ok_or_else(|| fault(format!("no worker has place {index}")))?;
    let leaving = Arc::clone(&engine);
    // The only place that always runs when a thread ends, be it by terminate, a throw, or its own exit.
    env.add_env_cleanup_hook((), move |()| leaving.leave(index, turn))?;
    Ok(Joined { engine, id: WorkerId { place: index, turn } })
}

/// Tells the workers' threads from Node's others in the system's own tools; 15 characters at most. A name is
/// a convenience: without it the worker works all the same.
fn name_thread(index: usize) {
    if let Ok(name) = CString::new(format!("postern-work-{index}")) {
        let _ = rustix::thread::set_name(&name);
    }
}

#[napi]
impl Joined {
    /// Fills both arrays with whole records; gives their count, or minus the count minus one when more wait.
    #[napi(catch_unwind)]
    pub fn drain(&self, mut heads: Uint32ArraySlice, mut bytes: Uint8ArraySlice) -> i32 {
        let (heads, bytes) = (arrays::words(&mut heads), arrays::bytes(&mut bytes));
        let (count, has_more) = self.engine.drain(self.id, heads, bytes);
        let count = i32::try_from(count).unwrap_or(i32::MAX - 1);
        if has_more { -count - 1 } else { count }
    }

    /// Takes the first `count` records of the arrays. Throws in words when one is malformed; the others
    /// count.
    #[napi(catch_unwind)]
    pub fn submit(&self, heads: &[u32], count: u32, bytes: &[u8]) -> Result<()> {
        let words = (count as usize).saturating_mul(5);
        let heads = heads.get(..words).ok_or_else(|| fault("fewer records than counted"))?;
        self.engine.submit(heads, bytes).map_err(fault)
    }

    /// The mailbox of a login name: `out` becomes [identity low, identity high, database's index]. False: it
    /// is not in the directory; the identity is there all the same, the index is 0xffffffff.
    #[napi(catch_unwind)]
    pub fn lookup(&self, key: String, mut out: Uint32ArraySlice) -> Result<bool> {
        let found = self.engine.lookup(&key);
        let [low, high, database, ..] = arrays::words(&mut out) else {
            return Err(fault("three words are needed"));
        };
        (*low, *high) = (found.mailbox as u32, (found.mailbox >> 32) as u32);
        *database = found.database.map_or(u32::MAX, u32::from);
        Ok(found.database.is_some())
    }

    /// The index of the server where sessions of the mailbox are; -1 for none.
    #[napi(catch_unwind)]
    pub fn pin_of(&self, low: u32, high: u32) -> i32 {
        index_or_none(self.engine.pins.server_of(identity(low, high)))
    }

    /// The hash ring's server for a mailbox without a database; -1 when no server is eligible.
    #[napi(catch_unwind)]
    pub fn hash_server(&self, low: u32, high: u32) -> i32 {
        index_or_none(self.engine.hash_server(identity(low, high)))
    }

    /// Gives the place up: sessions in their preamble go to other workers, or end.
    #[napi(catch_unwind)]
    pub fn leave(&self) {
        self.engine.leave(self.id.place, self.id.turn);
    }
}

fn identity(low: u32, high: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

pub fn index_or_none(index: Option<u32>) -> i32 {
    index.and_then(|index| i32::try_from(index).ok()).unwrap_or(-1)
}
