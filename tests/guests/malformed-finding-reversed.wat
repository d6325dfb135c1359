;; A finding whose span ends before it begins.
;; Expected: malformed.

(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (drop (call $finding (local.get $verdict) (i32.const 4) (i32.const 2) (f32.const 0.5))))
