;; Searches 256 KiB in which every byte matches: each search gives a result of 3 MiB.
;; Expected: out-of-fuel.
;; with patterns

(func $attack (param $window i32) (param $verdict i32) (param $said i32) (local $text i32) (local $free i32)
  (local.set $text (call $alloc (i32.const 262144)))
  (memory.fill (local.get $text) (i32.const 97) (i32.const 262144))
  (local.set $free (global.get $free))
  (loop $again
    (call $find (global.get $set) (local.get $text) (i32.const 262144) (i32.const 2048))
    (global.set $free (local.get $free))
    (br $again)))
