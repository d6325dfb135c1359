;; Exports no function to ask for memory.
;; Expected: refused.

(func (export "realloc") (param i32 i32 i32 i32) (result i32) unreachable) ;; stands for (export "cabi_realloc")
