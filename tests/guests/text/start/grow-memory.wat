;; Takes memory, a page at a time, until it is refused, and traps then.
(func $attack
  (loop $again (br_if $again (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
  unreachable)
(start $attack)
