//! GUEST as commands about components take it: a file, or a guest that is built in by its name.

use crate::sandbox::{Embedded, Source};
use std::path::PathBuf;

const BUILT_IN: [Embedded; 3] = [Embedded::Jail, Embedded::Memory, Embedded::Gridfs];

/// A file of the same name is meant by "./jail".
pub(super) fn guest(argument: PathBuf) -> Source {
    match BUILT_IN.into_iter().find(|embedded| argument.as_os_str() == embedded.name()) {
        Some(embedded) => Source::Embedded(embedded),
        None => Source::File(argument),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_built_in_and_a_path_is_a_file() {
        assert_eq!(guest("jail".into()), Source::Embedded(Embedded::Jail));
        assert_eq!(guest("memory".into()), Source::Embedded(Embedded::Memory));
        assert_eq!(guest("gridfs".into()), Source::Embedded(Embedded::Gridfs));
        for file in ["./jail", "jail.wasm", ""] {
            assert_eq!(guest(file.into()), Source::File(file.into()));
        }
    }
}
