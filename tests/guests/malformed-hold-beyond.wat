;; Wants one byte more held back than the window has.
;; Expected: malformed.

(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (i32.store offset=40 (local.get $verdict) (i32.add (call $length (local.get $window)) (i32.const 1))))
