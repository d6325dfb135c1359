;; Imports a later version of an interface.
;; Expected: refused.

(import "sluicegate:plugin/patterns@0.9.0" "find" (func))
