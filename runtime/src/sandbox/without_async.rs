//! The contract's functions are `async`: a storage may wait in them. An engine without tasks does not take that word, and a
//! guest that never waits does without it. The rest of a component keeps its meaning, and its code stays as it is byte by
//! byte; sections are written anew.

use std::convert::Infallible;
use wasm_encoder::reencode::component_utils::parse_component_func_type;
use wasm_encoder::reencode::{Error, Reencode, ReencodeComponent};
use wasm_encoder::{Component, ComponentFuncTypeEncoder, ComponentSectionId, RawSection};
use wasmparser::{ComponentFuncType, CustomSectionReader, Parser};

/// The component with functions that are not `async`. How deep its parts and types are nested is not bounded here.
pub fn without_async(component: &[u8]) -> Result<Vec<u8>, Error> {
    let mut changed = Component::new();
    WithoutAsync.parse_component(&mut changed, Parser::new(0), component)?;
    Ok(changed.finish())
}

struct WithoutAsync;

impl Reencode for WithoutAsync {
    type Error = Infallible;
}

impl ReencodeComponent for WithoutAsync {
    fn parse_component_func_type(
        &mut self,
        encoder: ComponentFuncTypeEncoder<'_>,
        function: ComponentFuncType<'_>,
    ) -> Result<(), Error> {
        parse_component_func_type(self, encoder, ComponentFuncType { async_: false, ..function })
    }

    // Names too, which the engine does not ask to be right.
    fn parse_component_custom_section(
        &mut self,
        component: &mut Component,
        section: CustomSectionReader<'_>,
    ) -> Result<(), Error> {
        component.section(&self.custom_section(section)?);
        Ok(())
    }

    fn parse_component_submodule(&mut self, component: &mut Component, _: Parser, module: &[u8]) -> Result<(), Error> {
        component.section(&RawSection { id: ComponentSectionId::CoreModule.into(), data: module });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn component(word: &str) -> Vec<u8> {
        let text = format!(
            r#"(component
                (type (instance (type (func {word} (param "n" u8))) (export "f" (func (type 0)))))
                (type (component (type (func {word} (result string))) (export "g" (func (type 0)))))
                (component $inner
                    (core module $m (func (export "f") (param i32)))
                    (core instance $i (instantiate $m))
                    (func (export "f") {word} (param "n" u8) (canon lift (core func $i "f"))))
                (instance $instance (instantiate $inner))
                (export "i" (instance $instance)))"#
        );
        wat::parse_str(text).unwrap()
    }

    #[test]
    fn the_word_is_gone_at_every_depth_and_nothing_else_is() {
        assert_ne!(component("async"), component(""));
        assert_eq!(without_async(&component("async")).unwrap(), without_async(&component("")).unwrap());
    }

    #[test]
    fn code_stays_byte_by_byte() {
        // A constant in more bytes than it needs.
        let module = wat::parse_str(
            r#"(module (func (export "f") (result i32) i32.const 1) (@custom "metadata.code.x" "\01\00\00"))"#,
        )
        .unwrap();
        let constant = module.windows(3).position(|window| window == [0x41, 1, 0x0B]).unwrap();
        let mut long = module.clone();
        long.splice(constant + 1..constant + 2, [0x81, 0x80, 0x00]);
        // The body's length and the section's.
        long[constant - 2] += 2;
        long[constant - 4] += 2;
        let mut outer = Component::new();
        outer.section(&RawSection { id: ComponentSectionId::CoreModule.into(), data: &long });
        let outer = outer.finish();
        assert_eq!(without_async(&outer).unwrap(), outer);
    }
}
