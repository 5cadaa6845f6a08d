//! Messages for one thread that waits for them as a task: from any thread, in order, with one wake for
//! however many are there.
//!
//! The waker is kept under the messages' lock: whoever pushes finds either the one who waits, or nobody yet,
//! who will then find the message.

use std::future::poll_fn;
use std::sync::PoisonError;
use std::task::{Context, Poll, Waker};

use crate::sync::{Mutex, MutexGuard};

/// Bounded by those who push: each has few messages under way.
pub struct Inbox<Message> {
    state: Mutex<State<Message>>,
}

struct State<Message> {
    messages: Vec<Message>,
    /// The one who waits; `messages` was empty when it began to.
    waiter: Option<Waker>,
}

impl<Message> Inbox<Message> {
    pub fn push(&self, message: Message) {
        let mut state = self.lock();
        state.messages.push(message);
        wake(state);
    }

    /// One wake for many messages, in their order.
    pub fn push_all(&self, messages: &mut Vec<Message>) {
        if messages.is_empty() {
            return;
        }
        let mut state = self.lock();
        state.messages.append(messages);
        wake(state);
    }

    /// Waits until there is something, then takes all of it. One task does so at a time.
    pub async fn take(&self) -> Vec<Message> {
        poll_fn(|context| self.poll_take(context)).await
    }

    fn poll_take(&self, context: &Context<'_>) -> Poll<Vec<Message>> {
        let mut state = self.lock();
        if !state.messages.is_empty() {
            return Poll::Ready(std::mem::take(&mut state.messages));
        }
        match &mut state.waiter {
            Some(waiter) => waiter.clone_from(context.waker()),
            waiter => *waiter = Some(context.waker().clone()),
        }
        Poll::Pending
    }

    /// A panic while the lock was held leaves plain data behind, so a poisoned lock is taken all the same.
    fn lock(&self) -> MutexGuard<'_, State<Message>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The waker is called outside the lock: it runs code of the runtime's.
fn wake<Message>(mut state: MutexGuard<'_, State<Message>>) {
    let waiter = state.waiter.take();
    drop(state);
    if let Some(waiter) = waiter {
        waiter.wake();
    }
}

impl<Message> Default for Inbox<Message> {
    fn default() -> Self {
        Self { state: Mutex::new(State { messages: Vec::new(), waiter: None }) }
    }
}
