;; Imports an interface that no host of this kind has.
;; Expected: refused.

(import "strangers:deposit/vault@1.0.0" "open" (func))
