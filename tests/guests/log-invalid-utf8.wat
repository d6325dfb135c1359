;; Writes a log line that is not UTF-8.
;; Expected: malformed.

(import "sluicegate:plugin/log@0.1.0" "write" (func $log (param $level i32) (param $text i32) (param $length i32)))
(data (i32.const 1024) "\ff\fe")
(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (call $log (i32.const 2) (i32.const 1024) (i32.const 2)))
