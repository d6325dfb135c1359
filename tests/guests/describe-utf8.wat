;; A name that is not UTF-8.
;; Expected: malformed.

(data $description (i32.const 64) "\ff\fe")
(data (i32.const 128) "0.1.0")
