;; Wants half of a character held back: the window ends with one of two bytes.
;; Expected: malformed.

(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (i32.store offset=40 (local.get $verdict) (i32.const 1)))
