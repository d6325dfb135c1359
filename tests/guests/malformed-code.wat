;; A denial whose code would add a header of its own to a response.
;; Expected: malformed.

(data (i32.const 1024) "a\r\nx-forged: 1" "Denied.")
(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (call $deny (local.get $verdict) (i32.const 14) (i32.const 7)))
