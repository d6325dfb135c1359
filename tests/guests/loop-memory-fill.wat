;; Fills 8 MiB again and again: few instructions, which take milliseconds each and must be priced by their bytes.
;; Expected: out-of-fuel.

(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (drop (memory.grow (i32.const 256)))
  (loop $again
    (memory.fill (i32.const 65536) (i32.const 170) (i32.const 8388608))
    (br $again)))
