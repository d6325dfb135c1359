;; A result that is neither ok nor an error.
;; Expected: malformed.

(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (i32.store8 offset=0 (local.get $said) (i32.const 7)))
