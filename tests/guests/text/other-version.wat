;; A component that exports the storage of another version of the contract.
(component
  (instance $storage)
  (export "strongroom:storage/storage@0.2.0" (instance $storage)))
