//! The interfaces that a component imports, function by function.

use super::walk::{Unreadable, Walk};
use wasmparser::{
    ComponentAlias, ComponentExternalKind, ComponentOuterAliasKind, ComponentType, ComponentTypeRef,
    InstanceTypeDeclaration, Payload,
};

/// Many times what a storage in any language has.
const MAX_TYPES: usize = 10_000;

/// An import, by the names that stand in the component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface<'a> {
    pub name: &'a str,
    /// `None` for what is no interface, or whose type is not spelt out beside the import.
    pub functions: Option<Vec<&'a str>>,
}

/// The imports of the component's outermost level.
pub fn imported_interfaces(component: &[u8]) -> Result<Vec<Interface<'_>>, Unreadable> {
    let mut types = Types::default();
    let mut interfaces = Vec::new();
    for payload in Walk::outermost(component) {
        match payload? {
            Payload::ComponentTypeSection(section) => {
                for declared in section {
                    types.push(functions_of(&declared?))?;
                }
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
struct Types<'a>(Vec<Option<Vec<&'a str>>>);

impl<'a> Types<'a> {
    fn push(&mut self, functions: Option<Vec<&'a str>>) -> Result<(), Unreadable> {
        if self.0.len() == MAX_TYPES {
            return Err(Unreadable::Names(MAX_TYPES));
        }
        self.0.push(functions);
        Ok(())
    }

    fn instance(&self, reference: ComponentTypeRef) -> Option<Vec<&'a str>> {
        let ComponentTypeRef::Instance(number) = reference else { return None };
        self.0.get(usize::try_from(number).ok()?)?.clone()
    }
}

fn functions_of<'a>(declared: &ComponentType<'a>) -> Option<Vec<&'a str>> {
    let ComponentType::Instance(declarations) = declared else { return None };
    let functions = declarations.iter().filter_map(|declaration| match declaration {
        InstanceTypeDeclaration::Export { name, ty: ComponentTypeRef::Func(_) } => Some(name.name),
        _ => None,
    });
    Some(functions.collect())
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
                (type $first (instance (export "r" (type (sub resource))) (export "f" (func)) (type (func)) (export "g" (func (type 1)))))
                (import "a:b/first" (instance $i (type $first)))
                (alias export $i "r" (type $r))
                (export "r" (type $r))
                (import "t" (type $t (sub resource)))
                (type $second (instance (export "h" (func))))
                (import "a:b/second" (instance (type $second)))
                (import "f" (func)))"#,
        )
        .unwrap();
        let found: Vec<_> =
            imported_interfaces(&component).unwrap().into_iter().map(|i| (i.name, i.functions)).collect();
        let expected = [("a:b/first", Some(vec!["f", "g"])), ("t", None), ("a:b/second", Some(vec!["h"])), ("f", None)];
        assert_eq!(found, expected);
    }
}
