;; A schema nested thirty thousand deep, for a parser that recurses.
;; Expected: refused.

(global $schema-length i32 (i32.const 30000))
(global $free (mut i32) (i32.const 32768))
(func $start (memory.fill (i32.const 1024) (i32.const 91) (i32.const 30000)))
(start $start)
