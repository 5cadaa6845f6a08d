//! Where things go, as pure tables: which worker takes a client, which server a mailbox. No sockets, no
//! clock, no files; a table is built aside and swapped in whole by the engine.
//!
//! In reading order:
//! - [`worker_hash`] chooses the worker of a client's address;
//! - [`interner`] gives names their lasting index;
//! - [`mailboxes`] finds a mailbox and its database by a key;
//! - [`table`] says which server has a database, and how it is reached;
//! - [`maglev`] finds a server for a mailbox without a database;
//! - [`pins`] keeps a mailbox on one server while its sessions live, and bounds how many;
//! - [`backoff`] says how long the answer to a refused login is held back.

pub mod backoff;
pub mod interner;
pub mod maglev;
pub mod mailboxes;
pub mod pins;
mod sync;
pub mod table;
pub mod worker_hash;
