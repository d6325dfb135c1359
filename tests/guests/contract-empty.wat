;; A file of no bytes.
;; Expected: refused.
;; bytes: 0


