;; A span that is neither there nor absent.
;; Expected: malformed.

(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (i32.store8 offset=8
    (call $finding (local.get $verdict) (i32.const 0) (i32.const 1) (f32.const 0.5))
    (i32.const 2)))
