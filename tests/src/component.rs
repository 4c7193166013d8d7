//! What a component says of itself: its imports and exports by name, read from its bytes.

use std::path::Path;
use wasmparser::{Parser, Payload};

/// The names that a component imports at its outermost level.
pub fn imports(component: &[u8]) -> Vec<String> {
    outermost(component, |payload, names| {
        if let Payload::ComponentImportSection(section) = payload {
            names.extend(section.clone().into_iter().map(|import| import.expect("an import").name.name.to_owned()));
        }
    })
}

/// The names that a component exports at its outermost level.
pub fn exports(component: &[u8]) -> Vec<String> {
    outermost(component, |payload, names| {
        if let Payload::ComponentExportSection(section) = payload {
            names.extend(section.clone().into_iter().map(|export| export.expect("an export").name.name.to_owned()));
        }
    })
}

/// Reads a component that a build has left.
pub fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn outermost(component: &[u8], mut take: impl FnMut(&Payload<'_>, &mut Vec<String>)) -> Vec<String> {
    let mut names = Vec::new();
    let mut depth = 0;
    for payload in Parser::new(0).parse_all(component) {
        let payload = payload.expect("a component that parses");
        match payload {
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            _ if depth == 1 => take(&payload, &mut names),
            _ => {}
        }
    }
    names
}
