//! What can go wrong, and where it is told to.

use crate::bindings::wasi::clocks0_3_0::monotonic_clock;
use std::hint::black_box;
use std::thread;
use std::time::Duration;
use strongroom_bindings::types::{Error, ErrorCode};

/// The settings `fault`, each of the form ACTION@OPERATION or ANSWER.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults(Vec<Fault>);

#[derive(Clone, Debug)]
struct Fault {
    action: String,
    /// Empty for an answer, whose name says where it is given.
    operation: String,
}

impl Faults {
    pub(crate) fn parse(settings: &[(String, String)]) -> Self {
        let faults = settings.iter().filter(|(name, _)| name == "fault").map(|(_, value)| {
            let (action, operation) = value.split_once('@').unwrap_or((value, ""));
            Fault { action: action.to_owned(), operation: operation.to_owned() }
        });
        Self(faults.collect())
    }

    /// Whether the wrong answer of this name is to be given.
    pub(crate) fn gives(&self, answer: &str) -> bool {
        self.0.iter().any(|fault| fault.operation.is_empty() && fault.action == answer)
    }

    /// Does what is to be done at the beginning of an operation.
    pub(crate) async fn at(&self, operation: &str) -> Result<(), Error> {
        for fault in self.0.iter().filter(|fault| fault.operation == operation) {
            match fault.action.as_str() {
                "sleep" => monotonic_clock::wait_for(u64::MAX).await,
                action => act(action)?,
            }
        }
        Ok(())
    }

    /// The same in a destructor, which can neither wait nor fail.
    pub(crate) fn in_drop(&self, operation: &str) {
        for fault in self.0.iter().filter(|fault| fault.operation == operation) {
            let _ = act(&fault.action);
        }
    }
}

fn act(action: &str) -> Result<(), Error> {
    match action {
        "trap" => trap(),
        "panic" => panic!("a guest that panics\nin two lines, \u{1b}[31mof which one is red"),
        "spin" => spin(),
        "block" => thread::sleep(Duration::MAX),
        "grow" => grow(),
        "recurse" => drop(black_box(recurse(0))),
        "flood" => flood(),
        "fail" => return Err(error(ErrorCode::Failure, "told to fail", Some("told to fail, for the log"))),
        "huge-error" => {
            let text = "m".repeat(1 << 20);
            return Err(error(ErrorCode::Failure, &text, Some(&text)));
        }
        "ugly-error" => {
            let text = "first line\nsecond line \u{1b}[31mred\0\u{202e}";
            return Err(error(ErrorCode::PermissionDenied, text, Some(text)));
        }
        unknown => return Err(error(ErrorCode::InvalidArgument, "", Some(&format!("no fault is called {unknown}")))),
    }
    Ok(())
}

fn error(code: ErrorCode, message: &str, detail: Option<&str>) -> Error {
    Error { code, message: message.to_owned(), detail: detail.map(str::to_owned) }
}

fn trap() {
    #[cfg(target_arch = "wasm32")]
    core::arch::wasm32::unreachable();
    #[cfg(not(target_arch = "wasm32"))]
    std::process::abort();
}

fn spin() {
    while black_box(true) {}
}

fn grow() {
    while black_box(true) {
        Vec::leak(black_box(vec![1u8; 1 << 20]));
    }
}

/// Goes deeper for as long as there is a stack.
#[expect(unconditional_recursion, reason = "this is the fault")]
fn recurse(depth: u64) -> u64 {
    let frame = black_box([depth; 16]);
    recurse(depth + 1) + frame.iter().sum::<u64>()
}

/// A megabyte, in lines of about a hundred bytes.
fn flood() {
    for line in 0..10_000 {
        eprintln!("{line:05} {}", "f".repeat(94));
    }
}
