;; Exports only an interface that the host does not call yet.
;; Expected: refused.
;; exports:

(func (export "sluicegate:plugin/cache@0.1.0#plan") (param i32) (result i32) unreachable)
(func (export "sluicegate:plugin/cache@0.1.0#accept") (param i32) (result i32) unreachable)
(func (export "sluicegate:plugin/cache@0.1.0#admit") (param i32) (result i32) unreachable)
