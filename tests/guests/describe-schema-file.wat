;; A schema that the host would have to read from a file of its own.
;; Expected: refused.

(global $schema-length i32 (i32.const 30))
(data (i32.const 1024) "{\"$ref\": \"file:///etc/passwd\"}")
