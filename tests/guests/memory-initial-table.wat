;; Begins with a table of ten million entries: 80 MB.
;; Expected: refused.

(table 10000000 funcref)
