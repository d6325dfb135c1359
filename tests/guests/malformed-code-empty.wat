;; A denial without a code.
;; Expected: malformed.

(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (call $deny (local.get $verdict) (i32.const 0) (i32.const 0)))
