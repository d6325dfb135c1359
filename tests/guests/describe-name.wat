;; A name of 8 MiB.
;; Expected: malformed.

(func (export "sluicegate:plugin/lifecycle@0.1.0#describe") (result i32) (local $said i32)
  (local.set $said (call $alloc (i32.const 36)))
  (i32.store offset=0 (local.get $said) (call $alloc (i32.const 8388608)))
  (i32.store offset=4 (local.get $said) (i32.const 8388608))
  (local.get $said))
