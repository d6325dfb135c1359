;; Imports the store, which nobody granted it.
;; Expected: refused.

(import "sluicegate:plugin/kv@0.1.0" "delete" (func (param i32 i32 i32)))
