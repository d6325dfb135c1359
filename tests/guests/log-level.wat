;; Writes a log line with a level that does not exist.
;; Expected: malformed.

(import "sluicegate:plugin/log@0.1.0" "write" (func $log (param $level i32) (param $text i32) (param $length i32)))
(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (call $log (i32.const 9) (i32.const 16) (i32.const 6)))
