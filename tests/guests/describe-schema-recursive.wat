;; A schema that is its own definition. It may be refused or obeyed, but not followed without end.
;; Expected: said; the exchange goes on.

(global $schema-length i32 (i32.const 13))
(data (i32.const 1024) "{\"$ref\": \"#\"}")
