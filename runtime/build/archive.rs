//! What `strongroom new` writes, as one archive in the executable: the templates, the sources that a storage is built
//! with, and the contract. A path in it begins with the language that the file is for, or with `all`.

use crate::Outcome;
use std::fs::{self, File};
use std::path::Path;
use tar::{Builder, HeaderMode};

/// Whose files, where they lie, and what they are called in a new storage's folder.
const PACKED: [(&str, &str, &str); 23] = [
    ("all", "runtime/templates/all", ""),
    ("all", "wit", "vendor/wit"),
    ("all", "LICENSE-APACHE", "vendor/LICENSE-APACHE"),
    ("all", "LICENSE-MIT", "vendor/LICENSE-MIT"),
    ("rust", "runtime/templates/rust", ""),
    ("rust", "guests/sdk", "vendor/guests/sdk"),
    ("rust", "guests/bindings", "vendor/guests/bindings"),
    ("rust", "guests/bindings-at-once", "vendor/guests/bindings-at-once"),
    ("rust", "guests/tree/Cargo.toml", "vendor/guests/tree/Cargo.toml"),
    ("rust", "guests/tree/src", "vendor/guests/tree/src"),
    // The first build drops from it what a storage does not need.
    ("rust", "guests/Cargo.lock", "Cargo.lock"),
    ("python", "runtime/templates/python", ""),
    ("python", "guests/python/README.md", "vendor/guests/python/README.md"),
    ("python", "guests/python/pyproject.toml", "vendor/guests/python/pyproject.toml"),
    ("python", "guests/python/strongroom", "vendor/guests/python/strongroom"),
    ("python", "guests/python/examples", "vendor/guests/python/examples"),
    ("js", "runtime/templates/js", ""),
    ("js", "guests/javascript/README.md", "vendor/guests/javascript/README.md"),
    ("js", "guests/javascript/package.json", "vendor/guests/javascript/package.json"),
    ("js", "guests/javascript/src", "vendor/guests/javascript/src"),
    ("js", "guests/javascript/examples", "vendor/guests/javascript/examples"),
    ("c", "runtime/templates/c", ""),
    ("c", "guests/c", "vendor/guests/c"),
];

/// The members of the workspace of guests that a storage in Rust depends on.
const RUST_MEMBERS: &str = "members = [\"bindings\", \"bindings-at-once\", \"tree\", \"sdk\"]";

/// Packs the files of the repository at `top` into `archive`.
pub fn pack(top: &Path, archive: &Path) -> Outcome<()> {
    let mut packer = Packer { top, archive: Builder::new(File::create(archive)?) };
    packer.archive.mode(HeaderMode::Deterministic);
    for (language, from, to) in PACKED {
        packer.add(&top.join(from), &Path::new(language).join(to))?;
    }
    packer.add_text("guests/Cargo.toml", "rust/vendor/guests/Cargo.toml", rust_workspace)?;
    packer.add_text("guests/javascript/package-lock.json", "js/package-lock.json", npm_lock)?;
    packer.archive.finish()?;
    Ok(())
}

struct Packer<'a> {
    top: &'a Path,
    archive: Builder<File>,
}

impl Packer<'_> {
    /// A file, or a folder without what builds leave there and what is hidden.
    fn add(&mut self, from: &Path, to: &Path) -> Outcome<()> {
        if !from.is_dir() {
            println!("cargo::rerun-if-changed={}", from.display());
            return Ok(self.archive.append_path_with_name(from, to)?);
        }
        let mut names = fs::read_dir(from)?.map(|entry| Ok(entry?.file_name())).collect::<Outcome<Vec<_>>>()?;
        names.sort();
        for name in names {
            let text = name.to_string_lossy();
            let is_left_over = matches!(&*text, "target" | "node_modules" | "__pycache__") || text.ends_with(".wasm");
            if !is_left_over && !text.starts_with('.') {
                self.add(&from.join(&name), &to.join(&name))?;
            }
        }
        Ok(())
    }

    /// A file that is changed on its way.
    fn add_text(&mut self, from: &str, to: &str, change: fn(&str) -> Outcome<String>) -> Outcome<()> {
        let from = self.top.join(from);
        println!("cargo::rerun-if-changed={}", from.display());
        let text = change(&fs::read_to_string(&from)?).map_err(|error| format!("{}: {error}", from.display()))?;
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        Ok(self.archive.append_data(&mut header, to, text.as_bytes())?)
    }
}

/// The workspace of guests with the members that are packed, which are all that its readers need.
fn rust_workspace(text: &str) -> Outcome<String> {
    let mut found = 0;
    let lines = text.lines().filter(|line| !line.starts_with("default-members ="));
    let changed = lines.map(|line| {
        let is_members = line.starts_with("members =");
        found += usize::from(is_members);
        format!("{}\n", if is_members { RUST_MEMBERS } else { line })
    });
    let changed = changed.collect();
    if found == 1 { Ok(changed) } else { Err("the workspace's members are not on one line".into()) }
}

/// The package's own lock as that of a package which has it in `vendor/`, so that npm installs the same versions.
fn npm_lock(text: &str) -> Outcome<String> {
    const PLACE: &str = "vendor/guests/javascript";
    let mut lock: serde_json::Value = serde_json::from_str(text)?;
    let packages = lock.get_mut("packages").and_then(|packages| packages.as_object_mut()).ok_or("no packages")?;
    let own = packages.remove("").ok_or("no package of its own")?;
    packages.insert(PLACE.to_owned(), own);
    packages.insert("node_modules/strongroom".to_owned(), serde_json::json!({"resolved": PLACE, "link": true}));
    let dependencies = serde_json::json!({"strongroom": format!("file:{PLACE}")});
    let project = serde_json::json!({"name": "{{name}}", "version": "0.1.0", "dependencies": dependencies});
    packages.insert(String::new(), project);
    *lock.get_mut("name").ok_or("no name")? = "{{name}}".into();
    Ok(format!("{}\n", serde_json::to_string_pretty(&lock)?))
}
