;; A hundred memories, each of them within the limit of one.
;; Expected: refused.

(memory (export "memory") 1)
;; repeat 99: (memory 256)
