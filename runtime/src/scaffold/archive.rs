//! The files that the build script packed into the executable; see `build/archive.rs`.

use super::Language;
use std::io::{self, Read};
use std::path::PathBuf;

static ARCHIVE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/scaffold.tar"));

/// A file of a new storage's folder.
pub(super) struct Packed {
    /// In that folder.
    pub path: PathBuf,
    pub bytes: Vec<u8>,
    pub is_executable: bool,
}

/// The files for one language, those for all among them.
pub(super) fn files(language: Language) -> io::Result<Vec<Packed>> {
    let mut files = Vec::new();
    for entry in tar::Archive::new(ARCHIVE).entries()? {
        let mut entry = entry?;
        let packed = entry.path()?.into_owned();
        let of_language = packed.strip_prefix("all").or_else(|_| packed.strip_prefix(language.name()));
        let Ok(path) = of_language.map(PathBuf::from) else { continue };
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes)?;
        files.push(Packed { path, bytes, is_executable: entry.header().mode()? & 0o100 != 0 });
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn each_language_has_its_template_its_sources_and_the_contract() {
        for (language, source, kit) in [
            (Language::Rust, "src/lib.rs", "vendor/guests/sdk/src/storage.rs"),
            (Language::Python, "storage.py", "vendor/guests/python/strongroom/storage.py"),
            (Language::JavaScript, "storage.js", "vendor/guests/javascript/src/storage.js"),
            (Language::C, "storage.c", "vendor/guests/c/strongroom.h"),
        ] {
            let files = files(language).unwrap();
            for path in [source, kit, "vendor/wit/storage.wit", "vendor/LICENSE-MIT", "README.md", "gitignore"] {
                let found = files.iter().filter(|file| file.path == Path::new(path)).count();
                assert_eq!(found, 1, "{path} for {language:?}");
            }
            let launcher = files.iter().find(|file| file.path == Path::new("bin/launcher")).unwrap();
            assert!(launcher.is_executable);
        }
    }

    #[test]
    fn nothing_that_a_build_left_is_packed() {
        for language in Language::ALL {
            for file in files(language).unwrap() {
                let path = file.path.to_str().unwrap();
                for left in ["/target/", "node_modules/", "__pycache__", ".wasm", ".pyc"] {
                    assert!(!path.contains(left), "{path}");
                }
            }
        }
    }
}
