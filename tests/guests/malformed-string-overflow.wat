;; A string whose address and length add up to more than 32 bits.
;; Expected: malformed.

(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (call $deny (local.get $verdict) (i32.const 4) (i32.const 4))
  (i32.store offset=12 (local.get $verdict) (i32.const -4))
  (i32.store offset=16 (local.get $verdict) (i32.const 8)))
