;; Gives the host an address beyond the memory to put a text of 44 bytes at.
;; Expected: malformed.

(func (export "cabi_realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
  (if (i32.eq (local.get $size) (i32.const 44)) ;; the length of the text that triggers the attacks
    (then (return (i32.const 0x7ffffff0))))
  (call $alloc (local.get $size)))
