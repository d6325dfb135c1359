;; The code of a denial is not UTF-8.
;; Expected: malformed.

(data (i32.const 1024) "code" "\ff\fe\fd" "reason")
(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (call $deny (local.get $verdict) (i32.const 7) (i32.const 6)))
