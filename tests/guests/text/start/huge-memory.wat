;; Grows its memory to four gibibytes at once, and traps if it may not.
(func $attack
  (if (i32.eq (memory.grow (i32.const 65535)) (i32.const -1)) (then unreachable)))
(start $attack)
