//! Whether a guest can wait. One that cannot is entered as a function is called (`entrance`), which the engine allows
//! only where nothing that the guest imports could wait either.

use super::Engine;
use wasmtime::component::Component;
use wasmtime::component::types::ComponentItem;

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

/// Whether nothing that `component` imports can wait.
pub fn imports_nothing_that_waits(engine: &Engine, component: &Component) -> bool {
    let component = component.component_type();
    component.imports(engine.inner()).all(|(name, import)| {
        let Some((_, functions)) = NEVER_WAIT.iter().find(|(prefix, _)| name.starts_with(prefix)) else { return false };
        let ComponentItem::ComponentInstance(interface) = import.ty else { return false };
        interface.exports(engine.inner()).all(|(name, item)| match (item.ty, functions) {
            (ComponentItem::ComponentFunc(_), Only(functions)) => functions.contains(&name),
            (_, _) => true,
        })
    })
}
