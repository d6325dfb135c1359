;; Begins with 4 GiB of memory.
;; Expected: refused.

(memory (export "memory") 65536)
