//! The two directions of a connection as the component model's streams: bytes go straight between the guest's buffers and
//! the system.

use super::bindings::types::ErrorCode;
use super::connection::{Receiver, Sender, TransferError};
use bytes::BytesMut;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::oneshot;
use wasmtime::component::{Destination, Source, StreamConsumer, StreamProducer, StreamResult};
use wasmtime::{AsContextMut, StoreContextMut};

/// What is moved at once where the other side is the host's too, as TLS is: a record's worth.
const BUFFER_BYTES: usize = 16 << 10;

type End = oneshot::Sender<Result<(), ErrorCode>>;

/// From the system to the guest.
pub struct Incoming(Half<Receiver>);

/// From the guest to the system.
pub struct Outgoing(Half<Sender>);

/// A direction until it has ended, and where its end is told.
struct Half<D>(Option<(D, End)>);

impl Incoming {
    pub fn new(receiver: Receiver, end: End) -> Self {
        Self(Half(Some((receiver, end))))
    }
}

impl Outgoing {
    pub fn new(sender: Sender, end: End) -> Self {
        Self(Half(Some((sender, end))))
    }
}

impl<D> Half<D> {
    fn end(&mut self, result: Result<(), ErrorCode>) -> Poll<wasmtime::Result<StreamResult>> {
        if let Some((_, end)) = self.0.take() {
            // A guest need not want to know.
            let _ = end.send(result);
        }
        Poll::Ready(Ok(StreamResult::Dropped))
    }
}

impl<D> Drop for Half<D> {
    fn drop(&mut self) {
        let _ = self.end(Ok(()));
    }
}

impl<T> StreamProducer<T> for Incoming {
    type Item = u8;
    type Buffer = BytesMut;

    fn poll_produce<'a>(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut store: StoreContextMut<'a, T>,
        destination: Destination<'a, Self::Item, Self::Buffer>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        let Some((receiver, _)) = &mut self.0.0 else { return Poll::Ready(Ok(StreamResult::Dropped)) };
        let is_question = destination.remaining(store.as_context_mut()) == Some(0);
        let received = if is_question {
            receiver.poll_ready(context).map(|()| None)
        } else {
            let mut destination = destination.as_direct(store, BUFFER_BYTES);
            let received = receiver.poll_receive(context, destination.remaining());
            if let Poll::Ready(Ok(count)) = received {
                destination.mark_written(count);
            }
            received.map(Some)
        };
        match received {
            Poll::Ready(None | Some(Ok(1..))) => Poll::Ready(Ok(StreamResult::Completed)),
            Poll::Ready(Some(Ok(0))) => self.0.end(Ok(())),
            Poll::Ready(Some(Err(error))) => self.0.end(Err(code(&error))),
            Poll::Pending if finish => {
                receiver.stop_waiting();
                Poll::Ready(Ok(StreamResult::Cancelled))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<T> StreamConsumer<T> for Outgoing {
    type Item = u8;

    fn poll_consume(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        store: StoreContextMut<'_, T>,
        source: Source<'_, Self::Item>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        let Some((sender, _)) = &mut self.0.0 else { return Poll::Ready(Ok(StreamResult::Dropped)) };
        let mut source = source.as_direct(store);
        let sent = if source.remaining().is_empty() {
            sender.poll_ready(context).map(|()| None)
        } else {
            let sent = sender.poll_send(context, source.remaining());
            if let Poll::Ready(Ok(count)) = sent {
                source.mark_read(count);
            }
            sent.map(Some)
        };
        match sent {
            Poll::Ready(None | Some(Ok(_))) => Poll::Ready(Ok(StreamResult::Completed)),
            Poll::Ready(Some(Err(error))) => self.0.end(Err(code(&error))),
            Poll::Pending if finish => {
                sender.stop_waiting();
                Poll::Ready(Ok(StreamResult::Cancelled))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

fn code(error: &TransferError) -> ErrorCode {
    match error {
        TransferError::Timeout => ErrorCode::Timeout,
        TransferError::TooMuch => ErrorCode::Other(Some(error.to_string())),
        TransferError::Failed(error) => error.into(),
    }
}
