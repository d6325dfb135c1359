;; The detail of a denial is not UTF-8.
;; Expected: malformed.

(data (i32.const 1024) "code" "\ff\fe\fd" "reason")
(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (call $deny (local.get $verdict) (i32.const 4) (i32.const 0))
  (i32.store8 offset=20 (local.get $verdict) (i32.const 1))
  (i32.store offset=24 (local.get $verdict) (i32.const 1028))
  (i32.store offset=28 (local.get $verdict) (i32.const 3)))
