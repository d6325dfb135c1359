;; Searches before any set was compiled.
;; Expected: malformed.
;; with patterns

(func (export "sluicegate:plugin/lifecycle@0.1.0#describe") (result i32)
  (call $find (i32.const 0) (i32.const 16) (i32.const 6) (i32.const 2048))
  unreachable)
