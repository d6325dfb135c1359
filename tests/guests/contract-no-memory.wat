;; Exports no memory to put texts into.
;; Expected: refused.

(memory $memory (export "private") 1) ;; stands for (export "memory")
