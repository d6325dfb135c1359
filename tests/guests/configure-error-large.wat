;; Objects to its configuration in 8 MiB.
;; Expected: malformed.

(func $configure (result i32 i32) (call $alloc (i32.const 8388608)) (i32.const 8388608))
