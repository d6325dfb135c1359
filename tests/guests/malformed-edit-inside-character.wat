;; An edit that begins inside a character: the text ends with one of two bytes.
;; Expected: malformed.

(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (call $edit (local.get $verdict) (i32.sub (call $length (local.get $window)) (i32.const 1)) (call $length (local.get $window))))
