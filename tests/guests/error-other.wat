;; The plugin says that it failed. That is an answer, but no verdict.
;; Expected: refused.

(data (i32.const 1024) "not today")
(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (i32.store8 offset=0 (local.get $said) (i32.const 1))
  (i32.store8 offset=4 (local.get $said) (i32.const 2))
  (i32.store offset=8 (local.get $said) (i32.const 1024))
  (i32.store offset=12 (local.get $said) (i32.const 9)))
