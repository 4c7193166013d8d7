//! What a component was made of and by: the sections `producers` of its parts, put together.

use super::text::cut;
use std::collections::BTreeSet;
use wasmparser::ProducersSectionReader;

/// Of all sections together; what goes over it is not told.
const MAX_PRODUCERS: usize = 50;

/// Languages whose interpreter is in another one, which its parts name as well.
const INTERPRETED: [&str; 2] = ["JavaScript", "Python"];

/// Tools that are for one language, which the parts that they made need not name.
const TOOLS: [(&str, &str); 2] = [("wit-bindgen-rust", "Rust"), ("wit-bindgen-c", "C")];

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

    /// What it is written in, as far as that is told: Rust's standard library is partly in C.
    pub fn languages(&self) -> Vec<&str> {
        let named: BTreeSet<&str> = self.of("language").collect();
        if let Some(language) = INTERPRETED.iter().find(|language| named.contains(**language)) {
            return vec![*language];
        }
        let is_made_by =
            |tool: &str| ["processed-by", "sdk"].iter().any(|field| self.of(field).any(|name| name == tool));
        match TOOLS.iter().find(|(tool, _)| is_made_by(tool)) {
            Some((_, language)) => vec![*language],
            None => named.into_iter().collect(),
        }
    }

    fn of(&self, field: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |producer| producer.field == field).map(|producer| producer.name.as_str())
    }
}
