//! The command `strongroom`; everything is in the library.

fn main() -> std::process::ExitCode {
    strongroom::cli::main()
}
