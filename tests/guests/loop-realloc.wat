;; An endless loop where the host asks for memory to put a text of 44 bytes into.
;; Expected: out-of-fuel.

(func (export "cabi_realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
  (if (i32.eq (local.get $size) (i32.const 44)) ;; the length of the text that triggers the attacks
    (then (loop $forever (br $forever))))
  (call $alloc (local.get $size)))
