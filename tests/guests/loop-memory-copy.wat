;; Moves 8 MiB by one byte again and again: few instructions, which must be priced by their bytes.
;; Expected: out-of-fuel.

(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (drop (memory.grow (i32.const 256)))
  (loop $again
    (memory.copy (i32.const 65537) (i32.const 65536) (i32.const 8388608))
    (br $again)))
