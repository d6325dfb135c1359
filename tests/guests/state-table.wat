;; Marks a place in a table. If it is ever marked already, it denies as `state.leaked`. A snapshot that does not know
;; tables must leave such a plugin alone.
;; Expected: said; the exchange goes on.

(data (i32.const 1024) "state.leaked" "An earlier call left its mark.")
(table $marks 1 funcref)
(elem declare func $alloc)
(global $leaked (mut i32) (i32.const 0))
(func (export "sluicegate:plugin/text-guardrail@0.1.0#inspect") (param $windows i32) (param $count i32) (result i32)
  (global.set $leaked (i32.eqz (ref.is_null (table.get $marks (i32.const 0)))))
  (table.set $marks (i32.const 0) (ref.func $alloc))
  (call $inspect (local.get $windows) (local.get $count)))
(func $triggered (param i32 i32) (result i32) (global.get $leaked))
(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (call $deny (local.get $verdict) (i32.const 12) (i32.const 30)))
