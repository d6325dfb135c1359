;; A finding whose span begins inside a character.
;; Expected: malformed.

(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (drop (call $finding (local.get $verdict) (i32.sub (call $length (local.get $window)) (i32.const 1)) (call $length (local.get $window)) (f32.const 0.5))))
