;; A schema of the configuration that is not JSON.
;; Expected: refused.

(global $schema-length i32 (i32.const 9))
(data (i32.const 1024) "{\"type\": ")
