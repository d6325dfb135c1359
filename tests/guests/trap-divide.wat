;; Divides by zero.
;; Expected: trapped.

(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (drop (i32.div_u (local.get $said) (i32.const 0))))
