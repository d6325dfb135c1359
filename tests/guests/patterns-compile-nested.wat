;; An expression nested ten thousand deep, for a parser that recurses.
;; Expected: refused.
;; with patterns

(data $expressions (i32.const 1024) "\00\20\00\00" "\21\4e\00\00") ;; 20,001 bytes at 8192
(func $start
  (memory.fill (i32.const 8192) (i32.const 40) (i32.const 10000))
  (i32.store8 (i32.const 18192) (i32.const 97))
  (memory.fill (i32.const 18193) (i32.const 41) (i32.const 10000)))
(start $start)
(global $free (mut i32) (i32.const 32768))
