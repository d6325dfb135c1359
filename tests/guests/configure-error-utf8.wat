;; Objects to its configuration in bytes that are not UTF-8.
;; Expected: malformed.

(data (i32.const 1024) "\ff\fe")
(func $configure (result i32 i32) (i32.const 1024) (i32.const 2))
