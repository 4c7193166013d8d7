//! A panic: one line on stderr, which the host prefixes and bounds, and then a trap.

use core::fmt::{self, Write};
use core::panic::PanicInfo;
use wasip2::cli::stderr::get_stderr;

#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    let mut line = Line::default();
    // A line that does not fit is cut: nothing is allocated here, for memory may be what ran out.
    let _ = writeln!(line, "{info}");
    let _ = get_stderr().blocking_write_and_flush(line.written());
    core::arch::wasm32::unreachable()
}

/// The beginning of what is written to it.
struct Line {
    bytes: [u8; 1024],
    length: usize,
}

impl Default for Line {
    fn default() -> Self {
        Self { bytes: [0; 1024], length: 0 }
    }
}

impl Line {
    fn written(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            let free = self.bytes.get_mut(self.length).ok_or(fmt::Error)?;
            *free = byte;
            self.length += 1;
        }
        Ok(())
    }
}
