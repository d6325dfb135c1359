;; Calls a function that is null.
;; Expected: trapped.

(table $one 1 funcref)
(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (call_indirect $one (i32.const 0)))
