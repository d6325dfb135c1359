;; A memory shared between threads, which the engine does not have.
;; Expected: refused.

(memory (export "memory") 1 100 shared)
