;; A core module: valid WebAssembly and no component.
(module
  (memory (export "memory") 1)
  (func (export "connect") (result i32) i32.const 0))
