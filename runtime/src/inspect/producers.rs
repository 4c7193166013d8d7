//! What a component was made of and by: the sections `producers` of its parts, put together.

use super::text::cut;
use std::collections::BTreeSet;
use wasmparser::ProducersSectionReader;

/// Of all sections together; what goes over it is not told.
const MAX_PRODUCERS: usize = 50;

/// What names no language, and is made of one all the same.
const TOOLS: [(&str, &str); 7] = [
    ("componentize-py", "Python"),
    ("componentize-qjs", "JavaScript"),
    ("jco", "JavaScript"),
    ("wit-bindgen-rust", "Rust"),
    ("wit-bindgen-c", "C"),
    ("clang", "C or C++"),
    ("LLVM", "C or C++"),
];

/// Each tool once. A tool is what the component says it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Producers(pub BTreeSet<Producer>);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Producer {
    /// `language`, `processed-by` or `sdk`.
    pub field: String,
    pub name: String,
    pub version: String,
}

impl Producers {
    /// Takes what can be read.
    pub(super) fn add(&mut self, fields: ProducersSectionReader<'_>) {
        for field in fields {
            let Ok(field) = field else { return };
            for value in field.values {
                let Ok(value) = value else { return };
                if self.0.len() == MAX_PRODUCERS {
                    return;
                }
                self.0.insert(Producer {
                    field: field.name.to_owned(),
                    name: cut(value.name),
                    version: cut(value.version),
                });
            }
        }
    }

    /// What it is written in: as the tool for one language tells, or else as its parts say.
    pub fn languages(&self) -> Vec<&str> {
        let named: BTreeSet<&str> = self.of("language").collect();
        let of_tool = |tool: &str| self.0.iter().any(|producer| producer.field != "language" && producer.name == tool);
        let guessed = TOOLS.iter().find(|(tool, _)| of_tool(tool)).map(|(_, language)| *language);
        match guessed {
            Some(language) if named.is_empty() || !language.starts_with('C') => vec![language],
            _ => named.into_iter().collect(),
        }
    }

    fn of(&self, field: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |producer| producer.field == field).map(|producer| producer.name.as_str())
    }
}
