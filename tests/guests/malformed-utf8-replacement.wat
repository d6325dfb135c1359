;; A replacement is not UTF-8.
;; Expected: malformed.

(data (i32.const 1024) "code" "\ff\fe\fd" "reason")
(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (call $edit (local.get $verdict) (i32.const 0) (i32.const 1))
  (i32.store offset=8 (i32.load offset=4 (local.get $verdict)) (i32.const 1028)))
