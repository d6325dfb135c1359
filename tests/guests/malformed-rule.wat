;; A finding whose rule would add a metric of its own.
;; Expected: malformed.

(data (i32.const 1024) "a\"} 1\nforged{b=\"")
(func $attack (param $window i32) (param $verdict i32) (param $said i32) (local $finding i32)
  (local.set $finding (call $finding (local.get $verdict) (i32.const 0) (i32.const 1) (f32.const 0.5)))
  (i32.store offset=0 (local.get $finding) (i32.const 1024))
  (i32.store offset=4 (local.get $finding) (i32.const 16)))
