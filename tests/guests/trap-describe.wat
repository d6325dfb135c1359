;; Traps in `describe`.
;; Expected: trapped.

(func (export "sluicegate:plugin/lifecycle@0.1.0#describe") (result i32) unreachable)
