;; A component of nine hundred instances, each with its own memory.
;; Expected: refused.
;; component

(core module $one (memory 16))
;; repeat 900: (core instance (instantiate $one))
