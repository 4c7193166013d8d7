//! The interfaces that a component imports, function by function.

use super::walk::{Unreadable, Walk};
use std::rc::Rc;
use wasmparser::{
    BinaryReader, ComponentAlias, ComponentExternalKind, ComponentOuterAliasKind, ComponentType,
    ComponentTypeDeclaration, ComponentTypeRef, Payload,
};

// Many times what a storage in any language has.
const MAX_IMPORTS: usize = 1000;
const MAX_TYPES: usize = 10_000;
const MAX_FUNCTIONS: usize = 10_000;

/// Of types in types.
const MAX_DEPTH: usize = 32;

/// An import, by the names that stand in the component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface<'a> {
    pub name: &'a str,
    /// `None` for what is no interface, or whose type is not spelt out beside the import.
    pub functions: Option<Rc<[&'a str]>>,
}

/// The imports of the component's outermost level.
pub fn imported_interfaces(component: &[u8]) -> Result<Vec<Interface<'_>>, Unreadable> {
    let mut types = Types::default();
    let mut interfaces = Vec::new();
    for payload in Walk::outermost(component) {
        match payload? {
            Payload::ComponentTypeSection(section) => {
                let bytes = component.get(section.range()).unwrap_or_default();
                types.read(BinaryReader::new(bytes, section.range().start))?;
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section {
                    if is_type(&alias?) {
                        types.push(None)?;
                    }
                }
            }
            Payload::ComponentImportSection(section) => {
                for import in section {
                    let import = import?;
                    if let ComponentTypeRef::Type(_) = import.ty {
                        types.push(None)?;
                    }
                    if interfaces.len() == MAX_IMPORTS {
                        return Err(Unreadable::Names(MAX_IMPORTS));
                    }
                    interfaces.push(Interface { name: import.name.name, functions: types.instance(import.ty) });
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section {
                    if export?.kind == ComponentExternalKind::Type {
                        types.push(None)?;
                    }
                }
            }
            _ => {}
        }
    }
    Ok(interfaces)
}

/// The types of the outermost level by their numbers; of instances the names of their functions.
#[derive(Default)]
struct Types<'a> {
    numbered: Vec<Option<Rc<[&'a str]>>>,
    functions: usize,
}

/// The type of an instance or a component that is being read.
struct Open<'a> {
    is_instance: bool,
    declarations_left: u32,
    functions: Vec<&'a str>,
}

impl<'a> Types<'a> {
    /// Reads a section. wasmparser would read what is nested by a recursion that has no bound.
    fn read(&mut self, mut section: BinaryReader<'a>) -> Result<(), Unreadable> {
        let mut types_left = section.read_var_u32()?;
        let mut open: Vec<Open<'a>> = Vec::new();
        loop {
            let depth = open.len();
            let Some(innermost) = open.last_mut() else {
                let Some(left) = types_left.checked_sub(1) else { return Ok(()) };
                types_left = left;
                match begin(&mut section)? {
                    Some(begun) => open.push(begun),
                    None => self.push(None)?,
                }
                continue;
            };
            let Some(left) = innermost.declarations_left.checked_sub(1) else {
                if let Some(read) = open.pop().filter(|_| depth == 1) {
                    self.push(read.is_instance.then(|| read.functions.into()))?;
                }
                continue;
            };
            innermost.declarations_left = left;
            let mut ahead = section.clone();
            match ahead.read_u8()? {
                TYPE => {
                    section = ahead;
                    if let Some(begun) = begin(&mut section)? {
                        if depth == MAX_DEPTH {
                            return Err(Unreadable::Depth);
                        }
                        open.push(begun);
                    }
                }
                // They would be read as a whole, however many there are.
                CORE_TYPE => return Err(Unreadable::CoreTypes),
                _ => {
                    if let ComponentTypeDeclaration::Export { name, ty: ComponentTypeRef::Func(_) } = section.read()? {
                        self.functions += 1;
                        if self.functions > MAX_FUNCTIONS {
                            return Err(Unreadable::Names(MAX_FUNCTIONS));
                        }
                        innermost.functions.push(name.name);
                    }
                }
            }
        }
    }

    fn push(&mut self, functions: Option<Rc<[&'a str]>>) -> Result<(), Unreadable> {
        if self.numbered.len() == MAX_TYPES {
            return Err(Unreadable::Names(MAX_TYPES));
        }
        self.numbered.push(functions);
        Ok(())
    }

    fn instance(&self, reference: ComponentTypeRef) -> Option<Rc<[&'a str]>> {
        let ComponentTypeRef::Instance(number) = reference else { return None };
        self.numbered.get(usize::try_from(number).ok()?)?.clone()
    }
}

/// Declarations of types, and types that hold declarations (`Binary.md` of the component model).
const CORE_TYPE: u8 = 0x00;
const TYPE: u8 = 0x01;
const COMPONENT: u8 = 0x41;
const INSTANCE: u8 = 0x42;

/// Reads a type; of one with declarations, which come next, only its beginning.
fn begin<'a>(section: &mut BinaryReader<'a>) -> Result<Option<Open<'a>>, Unreadable> {
    let mut ahead = section.clone();
    let kind = ahead.read_u8()?;
    if kind != COMPONENT && kind != INSTANCE {
        section.read::<ComponentType<'_>>()?;
        return Ok(None);
    }
    *section = ahead;
    let declarations_left = section.read_var_u32()?;
    Ok(Some(Open { is_instance: kind == INSTANCE, declarations_left, functions: Vec::new() }))
}

fn is_type(alias: &ComponentAlias<'_>) -> bool {
    matches!(
        alias,
        ComponentAlias::InstanceExport { kind: ComponentExternalKind::Type, .. }
            | ComponentAlias::Outer { kind: ComponentOuterAliasKind::Type, .. }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_by_the_interfaces_that_they_are_of() {
        let component = wat::parse_str(
            r#"(component
                (type $first (instance
                    (export "r" (type (sub resource)))
                    (export "f" (func))
                    (type (component (import "x" (func)) (export "inner" (func))))
                    (type (instance (export "inner" (func)) (type (instance (export "innermost" (func))))))
                    (type (func))
                    (export "g" (func (type 3)))))
                (import "a:b/first" (instance $i (type $first)))
                (alias export $i "r" (type $r))
                (export "r" (type $r))
                (import "t" (type $t (sub resource)))
                (type (component (export "no" (func))))
                (type $second (instance (export "h" (func))))
                (import "a:b/second" (instance (type $second)))
                (import "f" (func)))"#,
        )
        .unwrap();
        let found: Vec<_> = imported_interfaces(&component)
            .unwrap()
            .into_iter()
            .map(|import| (import.name, import.functions.map(|functions| functions.to_vec())))
            .collect();
        let expected = [("a:b/first", Some(vec!["f", "g"])), ("t", None), ("a:b/second", Some(vec!["h"])), ("f", None)];
        assert_eq!(found, expected);
    }

    /// A component with one section of types.
    fn with_types(types: &[u8]) -> Vec<u8> {
        let mut bytes = b"\0asm\x0d\0\x01\0\x07".to_vec();
        let mut length = types.len();
        while length >= 0x80 {
            bytes.push((length & 0x7F) as u8 | 0x80);
            length >>= 7;
        }
        bytes.push(length as u8);
        [bytes, types.to_vec()].concat()
    }

    #[test]
    fn what_is_nested_without_end_is_refused_and_not_followed() {
        let nested = |depth: usize| {
            let mut types = vec![1];
            types.extend([INSTANCE, 1, TYPE].repeat(depth));
            types.extend([INSTANCE, 0]);
            with_types(&types)
        };
        assert!(imported_interfaces(&nested(MAX_DEPTH - 1)).unwrap().is_empty());
        for depth in [MAX_DEPTH, 1_000_000] {
            assert!(matches!(imported_interfaces(&nested(depth)), Err(Unreadable::Depth)), "{depth}");
        }
    }

    #[test]
    fn types_of_core_modules_in_types_are_refused_unread() {
        let text = r#"(component (type (instance (core type (module (type (func)))))))"#;
        let component = wat::parse_str(text).unwrap();
        assert!(matches!(imported_interfaces(&component), Err(Unreadable::CoreTypes)));
    }

    #[test]
    fn more_than_a_storage_has_is_refused() {
        let functions = |count: usize| {
            let exports: String = (0..count).map(|number| format!(r#"(export "f{number}" (func (type 0)))"#)).collect();
            wat::parse_str(format!("(component (type (instance (type (func)) {exports})))")).unwrap()
        };
        assert!(imported_interfaces(&functions(MAX_FUNCTIONS)).is_ok());
        assert!(matches!(imported_interfaces(&functions(MAX_FUNCTIONS + 1)), Err(Unreadable::Names(MAX_FUNCTIONS))));
        let types = |count: usize| wat::parse_str(format!("(component {})", "(type (func))".repeat(count))).unwrap();
        assert!(imported_interfaces(&types(MAX_TYPES)).is_ok());
        assert!(matches!(imported_interfaces(&types(MAX_TYPES + 1)), Err(Unreadable::Names(MAX_TYPES))));
    }
}
