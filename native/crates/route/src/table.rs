//! The routing table as the engine uses it: for every database its server and generation, for every server
//! its endpoints. Built whole from what the control plane publishes, checked, and never changed again.
//!
//! Indexes are those of the interners, and last for the life of the process; a table may leave gaps. What an
//! endpoint is, is the engine's affair.

use crate::interner::NAMES_MAX;
use crate::maglev::Maglev;
use std::fmt;
use std::sync::Arc;

/// A site of a thousand mail hosts is beyond what is known; the ring has 64 slots for each then.
pub const SERVERS_MAX: usize = 1024;
/// Every database is in the interner, so there are no more than names.
pub const DATABASES_MAX: usize = NAMES_MAX;

/// One published table.
#[derive(Debug)]
pub struct RoutingTable<E> {
    pub revision: u64,
    /// By index; `None` is a gap.
    pub servers: Vec<Option<ServerEntry<E>>>,
    /// By index; `None` is a gap.
    pub databases: Vec<Option<DatabaseEntry>>,
    pub ring: Arc<Maglev>,
}

#[derive(Debug)]
pub struct ServerEntry<E> {
    pub weight: u32,
    /// By protocol; each at most once.
    pub endpoints: Vec<(u8, E)>,
}

/// `server` is `None` where nobody serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DatabaseEntry {
    pub server: Option<u32>,
    pub generation: u64,
}

/// What a table is built from, in any order.
#[derive(Debug)]
pub struct TableRows<E> {
    pub revision: u64,
    pub servers: Vec<ServerRow<E>>,
    pub databases: Vec<DatabaseRow>,
}

#[derive(Debug)]
pub struct ServerRow<E> {
    pub index: u32,
    /// Share of the hash ring; 0 keeps the server out of it.
    pub weight: u32,
    pub endpoints: Vec<(u8, E)>,
}

#[derive(Debug, Clone, Copy)]
pub struct DatabaseRow {
    pub index: u32,
    pub server: Option<u32>,
    pub generation: u64,
}

/// Why rows are no table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableFault {
    TooManyServers(usize),
    TooManyDatabases(usize),
    ServerIndexTooLarge(u32),
    DatabaseIndexTooLarge(u32),
    ServerTwice(u32),
    DatabaseTwice(u32),
    EndpointTwice { server: u32, protocol: u8 },
    UnknownServer { database: u32, server: u32 },
}

impl<E> RoutingTable<E> {
    /// The table before the first is published: nothing in it, revision 0.
    #[must_use]
    pub fn empty() -> Self {
        Self { revision: 0, servers: Vec::new(), databases: Vec::new(), ring: Arc::new(Maglev::build(&[])) }
    }

    /// Builds a table. The ring of `previous` is kept where no weight has changed: a move of a database
    /// then costs no ring.
    ///
    /// # Errors
    /// The first fault found, by indexes: the caller knows the names.
    pub fn build(rows: TableRows<E>, previous: Option<&Self>) -> Result<Self, TableFault> {
        let servers = server_entries(rows.servers)?;
        let databases = database_entries(&rows.databases, &servers)?;
        let ring = match previous {
            Some(previous) if weights(&previous.servers) == weights(&servers) => Arc::clone(&previous.ring),
            _ => Arc::new(Maglev::build(&weights(&servers))),
        };
        Ok(Self { revision: rows.revision, servers, databases, ring })
    }

    #[must_use]
    pub fn server(&self, index: u32) -> Option<&ServerEntry<E>> {
        self.servers.get(usize::try_from(index).ok()?)?.as_ref()
    }

    #[must_use]
    pub fn database(&self, index: u32) -> Option<DatabaseEntry> {
        *self.databases.get(usize::try_from(index).ok()?)?
    }

    /// How `server` is reached for a protocol.
    #[must_use]
    pub fn endpoint(&self, server: u32, protocol: u8) -> Option<&E> {
        let endpoints = &self.server(server)?.endpoints;
        endpoints.iter().find(|(of, _)| *of == protocol).map(|(_, endpoint)| endpoint)
    }

    /// The database is on this server, and has not moved since this generation.
    #[must_use]
    pub fn is_current(&self, database: u32, server: u32, generation: u64) -> bool {
        self.database(database) == Some(DatabaseEntry { server: Some(server), generation })
    }
}

fn server_entries<E>(rows: Vec<ServerRow<E>>) -> Result<Vec<Option<ServerEntry<E>>>, TableFault> {
    if rows.len() > SERVERS_MAX {
        return Err(TableFault::TooManyServers(rows.len()));
    }
    let mut entries = Vec::new();
    for ServerRow { index, weight, endpoints } in rows {
        if let Some(protocol) = twice(&endpoints) {
            return Err(TableFault::EndpointTwice { server: index, protocol });
        }
        let place = place(&mut entries, index).ok_or(TableFault::ServerIndexTooLarge(index))?;
        if place.replace(ServerEntry { weight, endpoints }).is_some() {
            return Err(TableFault::ServerTwice(index));
        }
    }
    Ok(entries)
}

fn database_entries<E>(
    rows: &[DatabaseRow],
    servers: &[Option<ServerEntry<E>>],
) -> Result<Vec<Option<DatabaseEntry>>, TableFault> {
    if rows.len() > DATABASES_MAX {
        return Err(TableFault::TooManyDatabases(rows.len()));
    }
    let is_known = |server: u32| {
        usize::try_from(server).ok().and_then(|at| servers.get(at)).is_some_and(Option::is_some)
    };
    let mut entries = Vec::new();
    for &DatabaseRow { index, server, generation } in rows {
        if let Some(server) = server.filter(|server| !is_known(*server)) {
            return Err(TableFault::UnknownServer { database: index, server });
        }
        let place = place(&mut entries, index).ok_or(TableFault::DatabaseIndexTooLarge(index))?;
        if place.replace(DatabaseEntry { server, generation }).is_some() {
            return Err(TableFault::DatabaseTwice(index));
        }
    }
    Ok(entries)
}

/// The place of an index, in a list that grows to it; bounded by what an interner can give.
fn place<T>(entries: &mut Vec<Option<T>>, index: u32) -> Option<&mut Option<T>> {
    let at = usize::try_from(index).ok().filter(|at| *at < NAMES_MAX)?;
    if entries.len() <= at {
        entries.resize_with(at + 1, || None);
    }
    entries.get_mut(at)
}

fn twice<E>(endpoints: &[(u8, E)]) -> Option<u8> {
    let mut protocols: Vec<u8> = endpoints.iter().map(|(protocol, _)| *protocol).collect();
    protocols.sort_unstable();
    protocols.windows(2).find_map(|pair| (pair.first() == pair.last()).then(|| pair.first().copied())?)
}

fn weights<E>(servers: &[Option<ServerEntry<E>>]) -> Vec<(u32, u32)> {
    (0_u32..).zip(servers).filter_map(|(index, server)| Some((index, server.as_ref()?.weight))).collect()
}

impl fmt::Display for TableFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyServers(count) => write!(out, "{count} servers; at most {SERVERS_MAX}"),
            Self::TooManyDatabases(count) => write!(out, "{count} databases; at most {DATABASES_MAX}"),
            Self::ServerIndexTooLarge(index) => write!(out, "server index {index}; below {NAMES_MAX}"),
            Self::DatabaseIndexTooLarge(index) => write!(out, "database index {index}; below {NAMES_MAX}"),
            Self::ServerTwice(index) => write!(out, "server {index} is given twice"),
            Self::DatabaseTwice(index) => write!(out, "database {index} is given twice"),
            Self::EndpointTwice { server, protocol } => {
                write!(out, "server {server} has two endpoints for protocol {protocol}")
            }
            Self::UnknownServer { database, server } => {
                write!(out, "database {database} is on server {server}, which is not in the table")
            }
        }
    }
}

impl std::error::Error for TableFault {}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn server(index: u32, weight: u32) -> ServerRow<&'static str> {
        ServerRow { index, weight, endpoints: vec![(1, "imap"), (2, "pop3")] }
    }

    fn database(index: u32, server: Option<u32>) -> DatabaseRow {
        DatabaseRow { index, server, generation: 7 }
    }

    type Table = RoutingTable<&'static str>;

    fn build(
        servers: Vec<ServerRow<&'static str>>,
        databases: Vec<DatabaseRow>,
    ) -> Result<Table, TableFault> {
        RoutingTable::build(TableRows { revision: 3, servers, databases }, None)
    }

    #[test]
    fn a_table_answers_by_index_whatever_the_order_and_the_gaps() {
        let table =
            build(vec![server(5, 100), server(2, 0)], vec![database(9, Some(2)), database(4, None)]).unwrap();
        assert_eq!(
            (table.revision, table.endpoint(2, 2), table.endpoint(5, 1)),
            (3, Some(&"pop3"), Some(&"imap"))
        );
        assert_eq!(
            (table.endpoint(5, 3), table.endpoint(3, 1), table.endpoint(u32::MAX, 1)),
            (None, None, None)
        );
        assert_eq!(table.database(9), Some(DatabaseEntry { server: Some(2), generation: 7 }));
        assert_eq!(table.database(4), Some(DatabaseEntry { server: None, generation: 7 }));
        assert_eq!((table.database(5), table.database(10), table.database(u32::MAX)), (None, None, None));
        assert_eq!(table.ring.server_of(1), Some(5), "weight 0 is out of the ring");
    }

    #[test]
    fn only_the_same_server_and_generation_are_current() {
        let table =
            build(vec![server(0, 1), server(1, 1)], vec![database(0, Some(1)), database(1, None)]).unwrap();
        for (asked, is_current) in [
            ((0, 1, 7), true),
            ((0, 1, 6), false),
            ((0, 1, 8), false),
            ((0, 0, 7), false),
            ((1, 0, 7), false),
            ((2, 1, 7), false),
        ] {
            assert_eq!(table.is_current(asked.0, asked.1, asked.2), is_current, "{asked:?}");
        }
    }

    #[test]
    fn what_is_no_table_is_refused_in_words() {
        let two_endpoints = ServerRow { index: 4, weight: 1, endpoints: vec![(2, "a"), (1, "b"), (2, "c")] };
        for (servers, databases, words) in [
            (vec![server(1, 1), server(1, 2)], vec![], "server 1 is given twice"),
            (vec![two_endpoints], vec![], "server 4 has two endpoints for protocol 2"),
            (vec![server(65_535, 1)], vec![], "server index 65535; below 65535"),
            (vec![server(u32::MAX, 1)], vec![], "server index 4294967295; below 65535"),
            (vec![], vec![database(1, None), database(1, None)], "database 1 is given twice"),
            (vec![], vec![database(65_535, None)], "database index 65535; below 65535"),
            (
                vec![server(1, 1)],
                vec![database(3, Some(2))],
                "database 3 is on server 2, which is not in the table",
            ),
            (
                vec![server(1, 1)],
                vec![database(3, Some(0))],
                "database 3 is on server 0, which is not in the table",
            ),
        ] {
            assert_eq!(build(servers, databases).unwrap_err().to_string(), words);
        }
    }

    #[test]
    fn the_largest_table_is_taken_and_one_row_more_is_not() {
        let servers = |count: u32| (0..count).map(|index| server(65_534 - index, 1)).collect::<Vec<_>>();
        let databases = |count: u32| (0..count).map(|index| database(index, None)).collect::<Vec<_>>();
        let table = build(servers(1024), databases(65_535)).unwrap();
        assert_eq!((table.endpoint(65_534, 1), table.database(65_534).is_some()), (Some(&"imap"), true));
        assert_eq!(build(servers(1025), vec![]).unwrap_err(), TableFault::TooManyServers(1025));
        assert_eq!(build(vec![], databases(65_536)).unwrap_err(), TableFault::TooManyDatabases(65_536));
    }

    #[test]
    fn the_ring_is_kept_while_no_weight_changes() {
        let rows = |weight, databases| TableRows {
            revision: 4,
            servers: vec![server(1, weight), server(0, 9)],
            databases,
        };
        let first = Table::build(rows(5, vec![]), None).unwrap();
        let moved = Table::build(rows(5, vec![database(0, Some(1))]), Some(&first)).unwrap();
        assert!(Arc::ptr_eq(&first.ring, &moved.ring));
        let heavier = Table::build(rows(6, vec![]), Some(&moved)).unwrap();
        assert!(!Arc::ptr_eq(&moved.ring, &heavier.ring) && moved.ring != heavier.ring);
    }

    #[test]
    fn before_the_first_table_there_is_nothing() {
        let table = Table::empty();
        assert_eq!((table.revision, table.endpoint(0, 1), table.ring.server_of(0)), (0, None, None));
        assert!(!table.is_current(0, 0, 0));
    }
}
