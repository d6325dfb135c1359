;; Writes a log line with a line break, a forged second line and terminal escapes. They must come out escaped.
;; Expected: said; the exchange goes on.

(import "sluicegate:plugin/log@0.1.0" "write" (func $log (param $level i32) (param $text i32) (param $length i32)))
(data (i32.const 1024) "fine\n2026-01-01T00:00:00Z ERROR forged\1b[2J\1b]0;title\07\00")
(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (call $log (i32.const 2) (i32.const 1024) (i32.const 53)))
