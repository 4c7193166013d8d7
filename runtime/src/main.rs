//! The command `strongroom`; everything is in the library.

fn main() -> std::process::ExitCode {
    strongroom::cli::main()
}

/// The one function of the C library's mathematics that anything here asks for: tokio's scheduler for many threads, which
/// is linked and never runs. With one of our own no session's start loads that library.
// SAFETY: it does what C says of pow(), and no other library that is loaded looks here for it.
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
extern "C" fn pow(base: f64, exponent: f64) -> f64 {
    libm::pow(base, exponent)
}
