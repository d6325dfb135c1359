;; Reads a data segment and drops it. A second call in the same instance would trap.
;; Expected: said; the exchange goes on.

(data $once "here")
(func (export "sluicegate:plugin/text-guardrail@0.1.0#inspect") (param $windows i32) (param $count i32) (result i32)
  (memory.init $once (i32.const 2048) (i32.const 0) (i32.const 4))
  (data.drop $once)
  (call $inspect (local.get $windows) (local.get $count)))
