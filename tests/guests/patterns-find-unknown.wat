;; Searches with a set that was never compiled.
;; Expected: malformed.
;; with patterns

(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (call $find (i32.const 999) (i32.const 16) (i32.const 6) (i32.const 2048)))
