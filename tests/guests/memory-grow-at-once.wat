;; Asks for all of the 4 GiB in one instruction.
;; Expected: out-of-memory.

(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (if (i32.eq (memory.grow (i32.const 65000)) (i32.const -1)) (then unreachable)))
