;; The rule of a finding is not UTF-8.
;; Expected: malformed.

(data (i32.const 1024) "code" "\ff\fe\fd" "reason")
(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (i32.store
    (call $finding (local.get $verdict) (i32.const 0) (i32.const 1) (f32.const 0.5))
    (i32.const 1028)))
