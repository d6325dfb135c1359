;; A hundred tables, each of them within the limit of one.
;; Expected: refused.

;; repeat 99: (table 10000 funcref)
