//! How the functions of a component are called: as functions, or as tasks that may wait and let others in.

use super::walk::{Unreadable, Walk};
use wasmparser::{CanonicalFunction, CanonicalOption, Payload};

/// Whether each function that the component or a part of it offers returns before another can be called, and none has
/// the means to wait but what it imports. False as well where there is no function.
pub fn returns_at_once(component: &[u8]) -> Result<bool, Unreadable> {
    let mut any = false;
    for payload in Walk::whole(component) {
        let Payload::ComponentCanonicalSection(functions) = payload? else { continue };
        for function in functions {
            match function? {
                CanonicalFunction::Lift { options, .. } if !is_task(&options) => any = true,
                CanonicalFunction::Lower { options, .. } if !is_task(&options) => {}
                CanonicalFunction::ResourceNew { .. }
                | CanonicalFunction::ResourceDrop { .. }
                | CanonicalFunction::ResourceRep { .. }
                | CanonicalFunction::ContextGet { .. }
                | CanonicalFunction::ContextSet { .. } => {}
                // Tasks, threads, streams and futures.
                _ => return Ok(false),
            }
        }
    }
    Ok(any)
}

fn is_task(options: &[CanonicalOption]) -> bool {
    options.contains(&CanonicalOption::Async)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn component(options: &str) -> Vec<u8> {
        let text = format!(
            r#"(component
                (core module $m (func (export "f")) (func (export "g")) (func (export "task") (result i32) i32.const 0)
                    (func (export "on") (param i32 i32 i32) (result i32) i32.const 0))
                (core instance $i (instantiate $m))
                (func (export "f") (canon lift (core func $i "f")))
                (component $inner
                    (core module $m (func (export "f")) (func (export "task") (result i32) i32.const 0)
                        (func (export "on") (param i32 i32 i32) (result i32) i32.const 0))
                    (core instance $i (instantiate $m))
                    {options}))"#
        );
        wat::parse_str(text).unwrap()
    }

    #[test]
    fn one_task_in_any_part_is_enough_to_wait() {
        let at_once = component(r#"(func (export "f") (canon lift (core func $i "f")))"#);
        assert!(returns_at_once(&at_once).unwrap());
        let task =
            r#"(func (export "f") async (canon lift (core func $i "task") async (callback (core func $i "on"))))"#;
        assert!(!returns_at_once(&component(task)).unwrap());
        let yields = r#"(core func (canon thread.yield)) (func (export "f") (canon lift (core func $i "f")))"#;
        assert!(!returns_at_once(&component(yields)).unwrap());
        assert!(!returns_at_once(&wat::parse_str("(component)").unwrap()).unwrap());
        assert!(returns_at_once(&at_once[..at_once.len() - 3]).is_err());
    }
}
