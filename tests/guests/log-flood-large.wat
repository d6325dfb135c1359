;; Writes log lines of 256 KiB without end: few calls, so they must be priced by their bytes.
;; Expected: out-of-fuel.

(import "sluicegate:plugin/log@0.1.0" "write" (func $log (param $level i32) (param $text i32) (param $length i32)))
(func $attack (param $window i32) (param $verdict i32) (param $said i32) (local $text i32)
  (local.set $text (call $alloc (i32.const 262144)))
  (memory.fill (local.get $text) (i32.const 120) (i32.const 262144))
  (loop $again
    (call $log (i32.const 2) (local.get $text) (i32.const 262144))
    (br $again)))
