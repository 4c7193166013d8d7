//! Whether a guest can wait, as its bytes say. One that cannot is compiled for an engine without tasks and entered as a
//! function is called (`entrance`): nothing that it exports may be a task, and nothing that it imports may wait.

use super::config::Calling;
use crate::inspect::{Interface, imported_interfaces, returns_at_once};

/// The functions of an interface.
enum Functions {
    All,
    Only(&'static [&'static str]),
}

use Functions::{All, Only};

/// What is done before it returns: a prefix of the interface's name, and which of its functions. It is all that Rust's
/// standard library asks for unasked. Those of WASI's open files and streams are so in the form of
/// `posix::wasi_at_once`, which they have for guests that can do without the others: who can neither make a stream of a
/// file nor wait for input or a clock holds nothing to wait for but the log, which is always ready.
const NEVER_WAIT: &[(&str, Functions)] = &[
    ("strongroom:storage/types@0.1.0", All),
    ("strongroom:storage/native@0.1.0", All),
    ("strongroom:storage/posix-at-once@0.1.0", All),
    ("wasi:cli/environment@0.2.", All),
    ("wasi:cli/exit@0.2.", All),
    ("wasi:cli/stderr@0.2.", All),
    ("wasi:cli/stdin@0.2.", All),
    ("wasi:cli/stdout@0.2.", All),
    ("wasi:cli/terminal-input@0.2.", All),
    ("wasi:cli/terminal-output@0.2.", All),
    ("wasi:cli/terminal-stderr@0.2.", All),
    ("wasi:cli/terminal-stdin@0.2.", All),
    ("wasi:cli/terminal-stdout@0.2.", All),
    ("wasi:clocks/monotonic-clock@0.2.", Only(&["now", "resolution"])),
    ("wasi:clocks/wall-clock@0.2.", All),
    ("wasi:filesystem/preopens@0.2.", All),
    (
        "wasi:filesystem/types@0.2.",
        Only(&[
            "[method]descriptor.create-directory-at",
            "[method]descriptor.get-type",
            "[method]descriptor.open-at",
            "[method]descriptor.read",
            "[method]descriptor.set-times-at",
            "[method]descriptor.sync",
            "[method]descriptor.write",
        ]),
    ),
    ("wasi:io/error@0.2.", All),
    ("wasi:io/poll@0.2.", Only(&["[method]pollable.block", "[method]pollable.ready"])),
    (
        "wasi:io/streams@0.2.",
        Only(&[
            "[method]output-stream.blocking-flush",
            "[method]output-stream.blocking-write-and-flush",
            "[method]output-stream.check-write",
            "[method]output-stream.flush",
            "[method]output-stream.subscribe",
            "[method]output-stream.write",
        ]),
    ),
    ("wasi:random/random@0.2.", All),
];

/// How the guest of these bytes is called. What cannot be looked into is called in the way that fits all.
pub fn calling(component: &[u8]) -> Calling {
    let never_waits = returns_at_once(component)
        .and_then(|returns| Ok(returns && imported_interfaces(component)?.iter().all(never_waits_in)));
    if never_waits.unwrap_or(false) { Calling::AtOnce } else { Calling::Tasks }
}

fn never_waits_in(import: &Interface<'_>) -> bool {
    let listed = NEVER_WAIT.iter().find(|(prefix, _)| import.name.starts_with(prefix));
    match (listed, &import.functions) {
        (Some((_, All)), Some(_)) => true,
        (Some((_, Only(listed))), Some(functions)) => functions.iter().all(|function| listed.contains(function)),
        (None, _) | (_, None) => false,
    }
}
