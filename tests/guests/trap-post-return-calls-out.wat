;; Calls the host back where the plugin is to free its result.
;; Expected: trapped.

(import "sluicegate:plugin/log@0.1.0" "write" (func $log (param $level i32) (param $text i32) (param $length i32)))
(global $attacked (mut i32) (i32.const 0))
(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (global.set $attacked (i32.const 1)))
(func (export "cabi_post_sluicegate:plugin/text-guardrail@0.1.0#inspect") (param i32)
  (if (global.get $attacked) (then (call $log (i32.const 2) (i32.const 16) (i32.const 6)))))
