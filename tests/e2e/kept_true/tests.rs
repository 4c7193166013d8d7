//! The tests that there are, by their full names.

use crate::sources::rust_files;
use std::fs;
use std::path::{Path, PathBuf};

/// Names as segments: the file's modules, then the function.
pub struct Tests {
    repository: PathBuf,
    names: Vec<Vec<String>>,
}

impl Tests {
    pub fn of(repository: &Path) -> Self {
        let mut names = Vec::new();
        for root in ["tests/e2e", "runtime/src", "guests/tree/tests"] {
            let root = repository.join(root);
            for file in rust_files(&root) {
                let mut modules = modules(file.strip_prefix(&root).unwrap());
                // In a module's own file its tests are a module of that name.
                if root.ends_with("src") && !modules.contains(&"tests".to_owned()) {
                    modules.push("tests".to_owned());
                }
                let text = fs::read_to_string(&file).unwrap();
                names.extend(functions(&text).map(|name| [modules.clone(), vec![name]].concat()));
            }
        }
        Self { repository: repository.to_owned(), names }
    }

    /// Whether a document's name for tests is the name of one, or of a module of some. It may leave out segments at both
    /// ends, and end in '…' or '*' for whatever goes on there. What has a '/' is a file of the repository.
    pub fn has(&self, name: &str) -> bool {
        if name.contains('/') {
            return self.repository.join(name).exists();
        }
        let segments: Vec<&str> = name.split("::").collect();
        self.names.iter().any(|test| test.windows(segments.len()).any(|window| is_match(window, &segments)))
    }
}

fn is_match(window: &[String], segments: &[&str]) -> bool {
    window.iter().zip(segments).all(|(found, named)| match named.strip_suffix(['…', '*']) {
        Some(beginning) => found.starts_with(beginning),
        None => found == named,
    })
}

fn modules(path: &Path) -> Vec<String> {
    let names = path.with_extension("");
    let names = names.components().map(|component| component.as_os_str().to_string_lossy().into_owned());
    names.filter(|name| name != "mod").collect()
}

/// By text and not by syntax, because some stand in macros.
fn functions(text: &str) -> impl Iterator<Item = String> {
    let mut lines = text.lines().map(str::trim);
    std::iter::from_fn(move || {
        lines.find(|line| matches!(*line, "#[test]" | "#[tokio::test]"))?;
        let signature = lines.find(|line| line.contains("fn "))?;
        let (_, name) = signature.split_once("fn ")?;
        Some(name.split(['(', '<']).next().unwrap_or(name).to_owned())
    })
}
