;; No verdict at all, whatever the windows.
;; Expected: malformed.

(func $triggered (param i32 i32) (result i32) (i32.const 1))
(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (i32.store offset=8 (local.get $said) (i32.const 0)))
