;; Grows a table until it is refused, and traps then.
(table $growing 1 funcref)
(func $attack
  (loop $again
    (br_if $again (i32.ne (table.grow $growing (ref.null func) (i32.const 1000)) (i32.const -1))))
  unreachable)
(start $attack)
