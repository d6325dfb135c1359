;; A finding whose span ends one byte beyond the text.
;; Expected: malformed.

(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (drop (call $finding (local.get $verdict) (i32.const 0) (i32.add (call $length (local.get $window)) (i32.const 1)) (f32.const 0.5))))
