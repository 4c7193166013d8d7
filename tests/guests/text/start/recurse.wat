;; Calls itself for ever, with nothing on the stack but the return address.
(func $attack (call $attack))
(start $attack)
