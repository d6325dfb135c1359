;; Counts its calls in a global and in memory, from a hundred on, which `configure` put there. A call that does not
;; begin at a hundred is denied as `state.leaked`.
;; Expected: said; the exchange goes on.

(data (i32.const 1024) "state.leaked" "An earlier call left its mark.")
(global $calls (mut i32) (i32.const 0))
(global $free (mut i32) (i32.const 4096))
(func $configure (result i32 i32)
  (global.set $calls (i32.const 100))
  (i32.store (i32.const 2048) (i32.const 100))
  (i32.const 0) (i32.const 0))
(func (export "sluicegate:plugin/text-guardrail@0.1.0#inspect") (param $windows i32) (param $count i32) (result i32)
  (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
  (i32.store (i32.const 2048) (i32.add (i32.load (i32.const 2048)) (i32.const 1)))
  (call $inspect (local.get $windows) (local.get $count)))
(func $triggered (param i32 i32) (result i32)
  (i32.or (i32.ne (global.get $calls) (i32.const 101)) (i32.ne (i32.load (i32.const 2048)) (i32.const 101))))
(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (call $deny (local.get $verdict) (i32.const 12) (i32.const 30)))
