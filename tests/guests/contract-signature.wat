;; Exports `describe` with a parameter that it does not have.
;; Expected: refused.

(func (export "sluicegate:plugin/lifecycle@0.1.0#describe") (param i32) (result i32) unreachable)
