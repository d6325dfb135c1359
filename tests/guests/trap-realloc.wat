;; Traps where the host asks for memory to put a text of 44 bytes into.
;; Expected: trapped.

(func (export "cabi_realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
  (if (i32.eq (local.get $size) (i32.const 44)) ;; the length of the text that triggers the attacks
    (then unreachable))
  (call $alloc (local.get $size)))
