;; Traps in `configure`.
;; Expected: trapped.

(func $configure (result i32 i32) unreachable)
