//! The outermost level of a component: what it imports and exports, by name.

use super::walk::{Unreadable, Walk};
use wasmparser::{ComponentExternalKind, Payload};

/// Many times what a storage in any language has.
const MAX_NAMES: usize = 1000;

/// Names as they stand in the component, which borrow its bytes and may hold any character.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outline<'a> {
    pub imports: Vec<&'a str>,
    pub exports: Vec<Export<'a>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Export<'a> {
    pub name: &'a str,
    /// An interface is exported as an instance; anything else of its name is something else.
    pub is_instance: bool,
}

impl<'a> Outline<'a> {
    /// Reads what is said to be a component, in a time that does not depend on what is nested in it.
    pub fn read(component: &'a [u8]) -> Result<Self, Unreadable> {
        let mut outline = Self::default();
        for payload in Walk::outermost(component) {
            match payload? {
                Payload::ComponentImportSection(imports) => {
                    for import in imports {
                        outline.imports.push(import?.name.name);
                        outline.check()?;
                    }
                }
                Payload::ComponentExportSection(exports) => {
                    for export in exports {
                        let export = export?;
                        let is_instance = export.kind == ComponentExternalKind::Instance;
                        outline.exports.push(Export { name: export.name.name, is_instance });
                        outline.check()?;
                    }
                }
                _ => {}
            }
        }
        Ok(outline)
    }

    fn check(&self) -> Result<(), Unreadable> {
        let is_too_long = self.imports.len() > MAX_NAMES || self.exports.len() > MAX_NAMES;
        if is_too_long { Err(Unreadable::Names(MAX_NAMES)) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write;

    fn binary(text: &str) -> Vec<u8> {
        wat::parse_str(text).unwrap()
    }

    #[test]
    fn names_of_the_outermost_level_and_no_others() {
        let component = binary(
            r#"(component
                (import "a:b/c@0.1.0" (instance))
                (component (import "nested:b/c" (instance)) (instance $i) (export "nested:d/e" (instance $i)))
                (core module (import "x" "y" (func)))
                (instance $i)
                (core module $m (func (export "f")))
                (export "d:e/f" (instance $i))
                (export "m" (core module $m)))"#,
        );
        let outline = Outline::read(&component).unwrap();
        assert_eq!(outline.imports, ["a:b/c@0.1.0"]);
        let exports: Vec<_> = outline.exports.iter().map(|export| (export.name, export.is_instance)).collect();
        assert_eq!(exports, [("d:e/f", true), ("m", false)]);
    }

    #[test]
    fn what_breaks_off_in_a_nested_part_is_unreadable() {
        let component = binary(r#"(component (core module (func)) (instance $i) (export "a:b/c" (instance $i)))"#);
        let module = component.windows(5).position(|window| window == b"\0asm\x01").unwrap();
        for length in module..module + 10 {
            assert!(matches!(Outline::read(&component[..length]), Err(Unreadable::BreaksOff(_))), "{length}");
        }
    }

    #[test]
    fn more_names_than_a_storage_has_are_refused() {
        let mut text = "(component".to_owned();
        for number in 0..=MAX_NAMES {
            write!(text, r#"(import "a:b/c{number}" (instance))"#).unwrap();
        }
        assert!(matches!(Outline::read(&binary(&(text + ")"))), Err(Unreadable::Names(MAX_NAMES))));
    }
}
