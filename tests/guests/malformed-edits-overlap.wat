;; Two edits that share two bytes.
;; Expected: malformed.

(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (call $edit (local.get $verdict) (i32.const 0) (i32.const 6))
  (call $edit (local.get $verdict) (i32.const 4) (i32.const 8)))
