;; A finding whose score is infinite.
;; Expected: malformed.

(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (drop (call $finding (local.get $verdict) (i32.const 0) (i32.const 1) (f32.const inf))))
