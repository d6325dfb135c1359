;; The address of the result is odd.
;; Expected: malformed.

(global $attacked (mut i32) (i32.const 0))
(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (global.set $attacked (i32.const 1)))
(func (export "sluicegate:plugin/text-guardrail@0.1.0#inspect") (param $windows i32) (param $count i32) (result i32) (local $said i32)
  (local.set $said (call $inspect (local.get $windows) (local.get $count)))
  (if (global.get $attacked) (then (return (i32.add (local.get $said) (i32.const 1)))))
  (local.get $said))
