;; A schema that the host would have to fetch from an address inside its own network.
;; Expected: refused.

(global $schema-length i32 (i32.const 51))
(data (i32.const 1024) "{\"$ref\": \"http://169.254.169.254/latest/meta-data\"}")
