;; Writes log lines without end.
;; Expected: out-of-fuel.

(import "sluicegate:plugin/log@0.1.0" "write" (func $log (param $level i32) (param $text i32) (param $length i32)))
(data (i32.const 1024) "a line")
(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (loop $again
    (call $log (i32.const 2) (i32.const 1024) (i32.const 6))
    (br $again)))
