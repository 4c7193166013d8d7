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
                names.extend(functions(&text).into_iter().map(|name| [modules.clone(), vec![name]].concat()));
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

/// By text and not by syntax, because some stand in macros. What a macro makes a test of stands in its call as
/// `Subject => name: …`, and what a program without cargo's harness runs in a table as `("name", path::name),`.
fn functions(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut is_marked = false;
    for line in text.lines().map(str::trim) {
        if matches!(line, "#[test]" | "#[tokio::test]") {
            is_marked = true;
        } else if is_marked && let Some((_, name)) = line.split_once("fn ") {
            names.extend(name.split(['(', '<']).next().map(str::to_owned));
            is_marked = false;
        } else {
            names.extend(in_macro(line).or_else(|| in_table(line)).map(str::to_owned));
        }
    }
    names
}

fn in_macro(line: &str) -> Option<&str> {
    let (subject, rest) = line.split_once(" => ")?;
    let (name, _) = rest.split_once(':')?;
    (is_word(subject) && is_word(name) && !rest.starts_with(&format!("{name}::"))).then_some(name)
}

fn in_table(line: &str) -> Option<&str> {
    let (name, function) = line.strip_prefix("(\"")?.strip_suffix("),")?.split_once("\", ")?;
    (is_word(name) && function.rsplit("::").next() == Some(name)).then_some(name)
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|character| character.is_ascii_alphanumeric() || character == '_')
}
