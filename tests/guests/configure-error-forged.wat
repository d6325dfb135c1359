;; Objects with a text that would clear the operator's terminal and forge a line of the log.
;; Expected: refused.

(data (i32.const 1024) "no\n2026-01-01T00:00:00Z INFO forged\1b[2J")
(func $configure (result i32 i32) (i32.const 1024) (i32.const 39))
