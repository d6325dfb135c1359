;; Objects to its configuration.
;; Expected: refused.

(data (i32.const 1024) "no")
(func $configure (result i32 i32) (i32.const 1024) (i32.const 2))
