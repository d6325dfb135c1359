;; Allows everything, except that it never ends on a text that begins with an exclamation mark.
;; Layouts are the canonical ABI's: a window has 20 bytes, text at 4, its length at 8; a verdict has 44, zeros mean allow.
(module
  (memory (export "memory") 32)
  (data (i32.const 64) "endless")
  (data (i32.const 80) "0.1.0")
  (data (i32.const 96) "never ends")
  (global $free (mut i32) (i32.const 1024))

  ;; That many bytes, aligned to 8, zeros. Nothing is freed: an instance lives for one call.
  (func $alloc (param $size i32) (result i32) (local $at i32)
    (local.set $at (global.get $free))
    (global.set $free (i32.and (i32.add (i32.add (local.get $at) (local.get $size)) (i32.const 7)) (i32.const -8)))
    (local.get $at))

  (func (export "cabi_realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
    (local $new i32)
    (local.set $new (call $alloc (local.get $size)))
    (memory.copy (local.get $new) (local.get $old) (local.get $old-size))
    (local.get $new))

  ;; Name, version, summary, no schema.
  (func (export "sluicegate:plugin/lifecycle@0.1.0#describe") (result i32) (local $said i32)
    (local.set $said (call $alloc (i32.const 36)))
    (i32.store offset=0 (local.get $said) (i32.const 64))
    (i32.store offset=4 (local.get $said) (i32.const 7))
    (i32.store offset=8 (local.get $said) (i32.const 80))
    (i32.store offset=12 (local.get $said) (i32.const 5))
    (i32.store offset=16 (local.get $said) (i32.const 96))
    (i32.store offset=20 (local.get $said) (i32.const 10))
    (local.get $said))

  (func (export "sluicegate:plugin/lifecycle@0.1.0#configure") (param i32 i32) (result i32)
    (call $alloc (i32.const 12)))

  (func (export "sluicegate:plugin/text-guardrail@0.1.0#inspect")
    (param $windows i32) (param $count i32) (result i32) (local $said i32) (local $left i32)
    (local.set $said (call $alloc (i32.const 16)))
    (i32.store offset=4 (local.get $said) (call $alloc (i32.mul (local.get $count) (i32.const 44))))
    (i32.store offset=8 (local.get $said) (local.get $count))
    (local.set $left (local.get $count))
    (loop $next
      (if (i32.eqz (local.get $left)) (then (return (local.get $said))))
      (if (i32.eq (i32.load8_u (i32.load offset=4 (local.get $windows))) (i32.const 33))
        (then (loop $forever (br $forever))))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (local.set $windows (i32.add (local.get $windows) (i32.const 20)))
      (br $next))
    (unreachable)))
