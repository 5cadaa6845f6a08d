//! One buffer for all reads of the thread: thousands of idle connections hold none, and a bulk transfer gets
//! large reads all the same.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

/// Waits until there is something, and shows it to `take`; an empty slice is the end of the stream.
pub async fn read<Stream, Taken>(
    stream: &mut Stream,
    mut take: impl FnMut(&[u8]) -> Taken,
) -> io::Result<Taken>
where
    Stream: AsyncRead + Unpin + ?Sized,
{
    poll_fn(|wake| {
        SCRATCH.with_borrow_mut(|scratch| {
            let mut room = ReadBuf::new(scratch);
            ready!(Pin::new(&mut *stream).poll_read(wake, &mut room))?;
            Poll::Ready(Ok(take(room.filled())))
        })
    })
    .await
}

thread_local! {
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_BYTES]);
}

/// Four records of TLS: more brings nothing on loopback.
const READ_BYTES: usize = 65_536;
