;; Traps in `route`.
;; Expected: trapped.
;; exports:

(func (export "sluicegate:plugin/router@0.1.0#route") (param i32) (result i32) unreachable)
