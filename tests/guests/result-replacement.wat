;; An edit that puts 8 MiB in the place of one byte.
;; Expected: malformed.

(func $attack (param $window i32) (param $verdict i32) (param $said i32) (local $text i32) (local $edit i32)
  (local.set $text (call $alloc (i32.const 8388608)))
  (memory.fill (local.get $text) (i32.const 120) (i32.const 8388608))
  (call $edit (local.get $verdict) (i32.const 0) (i32.const 1))
  (local.set $edit (i32.load offset=4 (local.get $verdict)))
  (i32.store offset=8 (local.get $edit) (local.get $text))
  (i32.store offset=12 (local.get $edit) (i32.const 8388608)))
