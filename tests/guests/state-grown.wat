;; Takes a page and marks it. If a page that it gets is ever marked already, it denies as `state.leaked`: memory of
;; another instance was not cleared.
;; Expected: said; the exchange goes on.

(data (i32.const 1024) "state.leaked" "An earlier call left its mark.")
(global $leaked (mut i32) (i32.const 0))
(func (export "sluicegate:plugin/text-guardrail@0.1.0#inspect") (param $windows i32) (param $count i32) (result i32) (local $page i32) (local $at i32)
  (local.set $page (i32.mul (memory.grow (i32.const 1)) (i32.const 65536)))
  (local.set $at (local.get $page))
  (loop $next
    (global.set $leaked (i32.or (global.get $leaked) (i32.load (local.get $at))))
    (local.set $at (i32.add (local.get $at) (i32.const 512)))
    (br_if $next (i32.lt_u (local.get $at) (i32.add (local.get $page) (i32.const 65536)))))
  (memory.fill (local.get $page) (i32.const 170) (i32.const 65536))
  (global.set $free (i32.add (local.get $page) (i32.const 65536)))
  (call $inspect (local.get $windows) (local.get $count)))
(func $triggered (param i32 i32) (result i32) (i32.ne (global.get $leaked) (i32.const 0)))
(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (call $deny (local.get $verdict) (i32.const 12) (i32.const 30)))
