;; Puts a function into a table in `configure`. If a call does not find that done, it denies as `state.lost`: a
;; snapshot that does not know tables must leave such a plugin alone.
;; Expected: said; the exchange goes on.

(data (i32.const 1024) "state.lost" "What was configured is gone.")
(table $marks 1 funcref)
(elem declare func $alloc)
(func $configure (result i32 i32)
  (table.set $marks (i32.const 0) (ref.func $alloc))
  (i32.const 0) (i32.const 0))
(func $triggered (param i32 i32) (result i32) (ref.is_null (table.get $marks (i32.const 0))))
(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (call $deny (local.get $verdict) (i32.const 10) (i32.const 28)))
