;; A memory with addresses of 64 bits, which the engine does not have.
;; Expected: refused.

(module
  (memory (export "memory") i64 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 0))
  (func (export "sluicegate:plugin/lifecycle@0.1.0#describe") (result i32) (i32.const 0))
  (func (export "sluicegate:plugin/lifecycle@0.1.0#configure") (param i32 i32) (result i32) (i32.const 0))
  (func (export "sluicegate:plugin/text-guardrail@0.1.0#inspect") (param i32 i32) (result i32) (i32.const 0)))
