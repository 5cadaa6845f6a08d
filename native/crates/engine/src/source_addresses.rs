//! The local addresses that dials are spread over: a server may bound what one address holds, and one address
//! has some 28,000 ports towards one server. Without any the system chooses.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};

use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::IpBindAddressNoPort;
use rustix::io::Errno;
use socket2::SockRef;
use tokio::net::{TcpSocket, TcpStream};

use crate::net::{in_words, set_options};

#[derive(Debug, Default)]
pub struct SourceAddresses {
    v4: Vec<IpAddr>,
    v6: Vec<IpAddr>,
    turn: AtomicUsize,
}

impl SourceAddresses {
    /// # Errors
    /// In words: an address that this machine does not have.
    pub fn new(addresses: &[IpAddr]) -> Result<Self, String> {
        for address in addresses {
            let bound = std::net::UdpSocket::bind(SocketAddr::new(*address, 0));
            bound.map_err(|error| format!("cannot dial from {address}: {}", in_words(&error)))?;
        }
        let (v4, v6) = addresses.iter().copied().partition(IpAddr::is_ipv4);
        Ok(Self { v4, v6, turn: AtomicUsize::default() })
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    /// Connects to the server, from the address whose turn it is, or from another where that one cannot.
    ///
    /// # Errors
    /// The system's; that of the last address.
    pub async fn dial(&self, server: SocketAddr) -> io::Result<TcpStream> {
        dial_from(self.in_turn(server.ip()), server).await
    }

    /// Those of the server's family, in the order in which this dial tries them: each dial begins with the
    /// next one.
    fn in_turn(&self, server: IpAddr) -> impl Iterator<Item = IpAddr> {
        let fitting = if server.is_ipv4() { &self.v4 } else { &self.v6 };
        let first = match fitting.len() {
            0 | 1 => 0,
            count => self.turn.fetch_add(1, Ordering::Relaxed) % count,
        };
        let (behind, before) = (fitting.get(first..), fitting.get(..first));
        behind.into_iter().chain(before).flatten().copied()
    }
}

/// Without a source the system chooses one.
async fn dial_from(mut sources: impl Iterator<Item = IpAddr>, server: SocketAddr) -> io::Result<TcpStream> {
    let mut source = sources.next();
    loop {
        let socket = if server.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        set_options(&SockRef::from(&socket))?;
        let dialled = match source.map(|source| bind(&socket, source)) {
            Some(Err(error)) => Err(error),
            _ => socket.connect(server).await,
        };
        match dialled {
            Err(error) if is_unusable_source(&error) => match sources.next() {
                Some(another) => source = Some(another),
                None => return Err(error),
            },
            dialled => return dialled,
        }
    }
}

/// The port the system chooses once it knows where to: so one port serves towards many servers.
fn bind(socket: &TcpSocket, source: IpAddr) -> io::Result<()> {
    setsockopt(socket, IpBindAddressNoPort, &true)?;
    socket.bind(SocketAddr::new(source, 0))
}

/// Another source may do where this one did not: it is gone, or has no free port towards the server.
#[must_use]
pub fn is_unusable_source(error: &io::Error) -> bool {
    Errno::from_io_error(error) == Some(Errno::ADDRNOTAVAIL)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn addresses(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn dials_take_turns_and_each_may_try_all_of_the_servers_family() {
        let all = addresses(&["127.0.0.2", "127.0.0.3", "127.0.0.4"]);
        let sources = SourceAddresses::new(&all).unwrap();
        let server = "127.0.0.1".parse().unwrap();
        for order in [["2", "3", "4"], ["3", "4", "2"], ["4", "2", "3"], ["2", "3", "4"]] {
            let expected =
                addresses(&order.map(|end| format!("127.0.0.{end}")).each_ref().map(String::as_str));
            assert_eq!(sources.in_turn(server).collect::<Vec<_>>(), expected);
        }
        assert_eq!(sources.in_turn("::1".parse().unwrap()).count(), 0, "none of the server's family");
        assert_eq!(SourceAddresses::default().in_turn(server).count(), 0);
    }

    fn dial(sources: &[&str]) -> Result<IpAddr, Option<Errno>> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let server = listener.local_addr().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
        let dialled = runtime.block_on(dial_from(addresses(sources).into_iter(), server));
        dialled.map(|stream| stream.local_addr().unwrap().ip()).map_err(|error| Errno::from_io_error(&error))
    }

    #[test]
    fn a_source_that_has_gone_is_passed_over_and_the_last_of_them_is_the_failure() {
        for (sources, dialled) in [
            (&["127.0.0.2"][..], Ok("127.0.0.2")),
            (&["192.0.2.77", "127.0.0.3"], Ok("127.0.0.3")),
            (&["127.0.0.3", "192.0.2.77"], Ok("127.0.0.3")),
            (&["192.0.2.77", "192.0.2.78"], Err(Some(Errno::ADDRNOTAVAIL))),
            (&[], Ok("127.0.0.1")),
        ] {
            assert_eq!(dial(sources), dialled.map(|text| text.parse().unwrap()), "{sources:?}");
        }
    }

    #[test]
    fn an_address_of_another_machine_is_refused_with_its_name() {
        let refused = SourceAddresses::new(&addresses(&["127.0.0.1", "192.0.2.77"]));
        let words = "cannot dial from 192.0.2.77: this machine has no such address";
        assert_eq!(refused.err().as_deref(), Some(words));
    }
}
