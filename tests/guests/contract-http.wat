;; Imports a way to call services, which nobody granted it.
;; Expected: refused.

(import "sluicegate:plugin/http@0.1.0" "send" (func (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
