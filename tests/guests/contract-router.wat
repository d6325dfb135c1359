;; Exports only an interface that the host does not call yet.
;; Expected: refused.
;; exports:

(func (export "sluicegate:plugin/router@0.1.0#route") (param i32) (result i32) unreachable)
