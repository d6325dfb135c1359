;; An edit at the last offset that there is.
;; Expected: malformed.

(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (call $edit (local.get $verdict) (i32.const -1) (i32.const -1)))
