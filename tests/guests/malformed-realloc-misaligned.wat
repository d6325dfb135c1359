;; Gives the host an odd address to put a list at.
;; Expected: malformed.

(func (export "cabi_realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
  (i32.add (call $alloc (i32.add (local.get $size) (i32.const 1))) (i32.gt_u (local.get $align) (i32.const 1))))
