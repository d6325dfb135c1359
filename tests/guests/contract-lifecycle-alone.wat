;; Exports nothing that the host would call.
;; Expected: refused.
;; exports:


