;; Calls the host back while the host puts a text of 44 bytes into its memory.
;; Expected: trapped.

(import "sluicegate:plugin/log@0.1.0" "write" (func $log (param $level i32) (param $text i32) (param $length i32)))
(func (export "cabi_realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
  (if (i32.eq (local.get $size) (i32.const 44)) ;; the length of the text that triggers the attacks
    (then (call $log (i32.const 2) (i32.const 16) (i32.const 6))))
  (call $alloc (local.get $size)))
