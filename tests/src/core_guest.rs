//! Guests from core modules written as text, for what no language says: each has every export of the contract, which
//! trap, and does what its text says as soon as it is instantiated.

use crate::{Place, repository};
use std::path::PathBuf;
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{LiftLowerAbi, ManglingAndAbi, Resolve};

/// A component of the world `guest` whose core module holds the fields of `text` too.
pub fn guest_with(place: &Place, name: &str, text: &str) -> PathBuf {
    place.file(format!("guests/{name}.wasm"), component_with(text))
}

/// The same as bytes.
pub fn component_with(text: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(repository().join("wit")).expect("wit/ is a package");
    let world = resolve.select_world(&[package], Some("guest")).expect("wit/ has the world `guest`");
    let dummy = dummy_module(&resolve, world, ManglingAndAbi::Legacy(LiftLowerAbi::AsyncCallback));
    let dummy = wasmprinter::print_bytes(dummy).expect("a module that can be printed");
    let body = dummy.trim_end().strip_suffix(')').expect("a module ends with a parenthesis");
    let mut module = wat::parse_str(format!("{body}\n{text})")).unwrap_or_else(|error| panic!("{error}"));
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false)
        .expect("the world fits into a module");
    let mut encoder = ComponentEncoder::default();
    encoder.module(&module).expect("a module of the world").encode().expect("a component")
}
