;; Writes a log line from beyond its memory.
;; Expected: malformed.

(import "sluicegate:plugin/log@0.1.0" "write" (func $log (param $level i32) (param $text i32) (param $length i32)))
(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (call $log (i32.const 2) (i32.const 65530) (i32.const 1000000)))
