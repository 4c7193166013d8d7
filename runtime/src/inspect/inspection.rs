//! Everything that a component says of itself, gathered in one walk over its bytes.

use super::abilities::{Ability, abilities};
use super::outline::Outline;
use super::producers::Producers;
use super::text::cut;
use super::walk::{Unreadable, Walk};
use super::wants::{self, MAX_SECTION_BYTES, SECTION, Wants, WantsError};
use std::collections::BTreeMap;
use wasmparser::{KnownCustom, Payload};

/// Of all declarations of a component together, which are one a layer.
const MAX_WANTS_BYTES: usize = 4 * MAX_SECTION_BYTES;

/// Names are cut, and may hold any character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    pub size_bytes: u64,
    pub exports: Vec<String>,
    pub imports: Vec<String>,
    pub producers: Producers,
    /// One declaration for each storage in the component, or why they cannot be read; empty without one.
    pub wants: Result<Vec<Wants>, WantsError>,
}

impl Inspection {
    /// Reads a whole component.
    pub fn read(component: &[u8]) -> Result<Self, Unreadable> {
        let outline = Outline::read(component)?;
        let mut producers = Producers::default();
        let mut sections: Vec<&[u8]> = Vec::new();
        for payload in Walk::whole(component) {
            let Payload::CustomSection(section) = payload? else { continue };
            if section.name() == SECTION {
                sections.push(section.data());
            // The name first: of others, a section of megabytes would be read into as many values.
            } else if section.name() == "producers"
                && let KnownCustom::Producers(fields) = section.as_known()
            {
                producers.add(fields);
            }
        }
        Ok(Self {
            size_bytes: component.len() as u64,
            exports: outline.exports.iter().map(|export| cut(export.name)).collect(),
            imports: outline.imports.iter().map(|import| cut(import)).collect(),
            producers,
            wants: declarations(&sections),
        })
    }

    /// What the imports are for, each with their names.
    pub fn abilities(&self) -> BTreeMap<Ability, Vec<&str>> {
        abilities(&self.imports)
    }

    /// What it says it wants, as far as that can be read.
    pub fn declared(&self) -> &[Wants] {
        self.wants.as_deref().unwrap_or_default()
    }
}

/// The same declaration twice, as from a part that is in a component twice, counts once.
fn declarations(sections: &[&[u8]]) -> Result<Vec<Wants>, WantsError> {
    if sections.iter().map(|section| section.len()).sum::<usize>() > MAX_WANTS_BYTES {
        return Err(WantsError::TooLong);
    }
    let mut found: Vec<Wants> = Vec::new();
    for section in sections {
        for wants in wants::parse(section)? {
            if !found.contains(&wants) {
                found.push(wants);
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(text: &str) -> String {
        let escaped = text.replace('\t', "\\t").replace('\n', "\\n");
        format!(r#"(@custom "{SECTION}" "{escaped}")"#)
    }

    fn read(fields: &str) -> Inspection {
        Inspection::read(&wat::parse_str(format!("(component {fields})")).unwrap()).unwrap()
    }

    #[test]
    fn declarations_are_found_at_every_level_and_equal_ones_once() {
        let (one, two) = (section("strongroom-wants 1\nname\tone"), section("strongroom-wants 1\nname\ttwo"));
        let found = read(&format!("{one} (core module {two}) (component (core module {one}) {two})"));
        let names: Vec<_> = found.declared().iter().map(|wants| wants.name.as_deref()).collect();
        assert_eq!(names, [Some("one"), Some("two")]);
        assert_eq!(read("").wants, Ok(Vec::new()));
    }

    #[test]
    fn a_declaration_that_cannot_be_read_does_not_hide_the_rest() {
        let found = read(&format!(r#"{} (import "a:b/c" (instance))"#, section("strongroom-wants 9")));
        assert_eq!(found.wants, Err(WantsError::LaterForm));
        assert_eq!(found.imports, ["a:b/c"]);
        let long = section(&format!("strongroom-wants 1{}", "\n".repeat(MAX_SECTION_BYTES)));
        assert_eq!(read(&long).wants, Err(WantsError::TooLong));
    }

    #[test]
    fn what_is_deep_or_has_parts_without_end_is_refused() {
        let deep = format!("{}{}", "(component ".repeat(40), ")".repeat(40));
        assert!(matches!(Inspection::read(&wat::parse_str(deep).unwrap()), Err(Unreadable::Depth)));
        let mut many = wat::parse_str("(component)").unwrap();
        many.extend([0, 1, 0].repeat(200_000));
        assert!(matches!(Inspection::read(&many), Err(Unreadable::Sections)));
    }

    #[test]
    fn every_beginning_and_every_changed_byte_is_read_or_refused() {
        let whole = wat::parse_str(format!(
            r#"(component {} (core module {} (func (export "f"))) (instance $i) (export "a:b/c" (instance $i)))"#,
            section("strongroom-wants 1\nname\tone\nsetting\ta\t=b\tc"),
            r#"(@custom "producers" "\01\08language\01\04Rust\011")"#,
        ))
        .unwrap();
        assert_eq!(Inspection::read(&whole).unwrap().producers.languages(), ["Rust"]);
        for position in 0..whole.len() {
            let _ = Inspection::read(&whole[..position]);
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut changed = whole.clone();
                changed[position] = value;
                let _ = Inspection::read(&changed);
            }
        }
    }
}
