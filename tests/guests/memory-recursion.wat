;; Calls itself without end.
;; Expected: trapped.

(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (call $attack (local.get $window) (local.get $verdict) (local.get $said))
  (call $attack (local.get $window) (local.get $verdict) (local.get $said)))
