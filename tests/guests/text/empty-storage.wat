;; A component whose export has the right name and not one of the contract's functions.
(component
  (instance $storage)
  (export "strongroom:storage/storage@0.1.0" (instance $storage)))
