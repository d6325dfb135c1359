;; Exports only an interface that the host does not call yet.
;; Expected: refused.
;; exports:

(func (export "sluicegate:plugin/context@0.1.0#gather") (param i32) (result i32) unreachable)
