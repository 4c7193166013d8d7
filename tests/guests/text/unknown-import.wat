;; A component that imports an interface which no host of ours offers. It exports the storage by name only.
(component
  (import "acme:anvils/forge@1.2.3" (instance $forge (export "drop" (func (param "height" u32)))))
  (instance $storage)
  (export "strongroom:storage/storage@0.1.0" (instance $storage)))
