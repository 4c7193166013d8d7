//! The contract's functions are `async`: a storage may wait in them. An engine without tasks does not take that word, and a
//! guest that never waits does without it; nothing else of a component is changed.

use std::convert::Infallible;
use wasm_encoder::reencode::component_utils::parse_component_func_type;
use wasm_encoder::reencode::{Error, Reencode, ReencodeComponent};
use wasm_encoder::{Component, ComponentFuncTypeEncoder};
use wasmparser::{ComponentFuncType, Parser};

/// The component with functions that are not `async`. Its nesting is not bounded here.
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
}
