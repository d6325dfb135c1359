;; An endless loop after the verdict, where the plugin is to free its result.
;; Expected: out-of-fuel.

(global $attacked (mut i32) (i32.const 0))
(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (global.set $attacked (i32.const 1)))
(func (export "cabi_post_sluicegate:plugin/text-guardrail@0.1.0#inspect") (param i32)
  (if (global.get $attacked) (then (loop $forever (br $forever)))))
