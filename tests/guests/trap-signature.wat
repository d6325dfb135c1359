;; Calls a function as if it had another signature.
;; Expected: trapped.

(table $one funcref (elem $alloc))
(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (call_indirect $one (i32.const 0)))
