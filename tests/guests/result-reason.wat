;; A denial with a reason of 8 MiB.
;; Expected: malformed.

(data (i32.const 1024) "too.long")
(func $attack (param $window i32) (param $verdict i32) (param $said i32) (local $text i32)
  (local.set $text (call $alloc (i32.const 8388608)))
  (memory.fill (local.get $text) (i32.const 120) (i32.const 8388608))
  (call $deny (local.get $verdict) (i32.const 8) (i32.const 8388608))
  (i32.store offset=12 (local.get $verdict) (local.get $text)))
