//! What a guest writes to stdout and stderr: lines in the operator's log, prefixed, escaped, and cut by a limit.

use crate::vis::Vis;
use bytes::Bytes;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio::io::AsyncWrite;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// A longer line is split.
const MAX_LINE_BYTES: usize = 1024;

/// What a line costs in the log beside its text: the time, the process, the client.
const LINE_OVERHEAD_BYTES: usize = 64;

/// A guest's output, of all its instances together. Never makes a guest wait: what is over the limit is dropped.
#[derive(Clone)]
pub struct GuestOutput {
    lines: Arc<Mutex<Lines>>,
}

struct Lines {
    partial: Vec<u8>,
    remaining_bytes: usize,
}

impl GuestOutput {
    pub fn new(limit_bytes: usize) -> Self {
        Self { lines: Arc::new(Mutex::new(Lines { partial: Vec::new(), remaining_bytes: limit_bytes })) }
    }

    fn take(&self, bytes: &[u8]) {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).take(bytes);
    }
}

impl Lines {
    fn take(&mut self, bytes: &[u8]) {
        if self.remaining_bytes == 0 {
            return;
        }
        let taken = bytes.get(..self.remaining_bytes.min(bytes.len())).unwrap_or(bytes);
        for piece in taken.split_inclusive(|byte| *byte == b'\n') {
            for part in piece.chunks(MAX_LINE_BYTES) {
                self.partial.extend_from_slice(part);
                if part.ends_with(b"\n") || self.partial.len() >= MAX_LINE_BYTES {
                    self.emit();
                }
            }
        }
        self.remaining_bytes = self.remaining_bytes.saturating_sub(taken.len());
        if self.remaining_bytes == 0 {
            self.emit();
            tracing::warn!("guest: further output is dropped (limit --max-guest-log)");
        }
    }

    fn emit(&mut self) {
        let line = self.partial.trim_ascii_end();
        if !line.is_empty() {
            tracing::info!("guest: {}", Vis(line));
            self.remaining_bytes = self.remaining_bytes.saturating_sub(LINE_OVERHEAD_BYTES);
        }
        self.partial.clear();
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.emit();
    }
}

impl IsTerminal for GuestOutput {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for GuestOutput {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait]
impl Pollable for GuestOutput {
    async fn ready(&mut self) {}
}

impl OutputStream for GuestOutput {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.take(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(64 << 10)
    }
}

impl AsyncWrite for GuestOutput {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
