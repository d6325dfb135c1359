;; An action that does not exist.
;; Expected: malformed.

(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (i32.store8 offset=0 (local.get $verdict) (i32.const 9)))
