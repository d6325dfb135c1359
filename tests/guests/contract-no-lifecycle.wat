;; Exports a guardrail and no `lifecycle`.
;; Expected: refused.

(module
  (memory (export "memory") 1)
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 0))
  (func (export "sluicegate:plugin/text-guardrail@0.1.0#inspect") (param i32 i32) (result i32) (i32.const 0)))
