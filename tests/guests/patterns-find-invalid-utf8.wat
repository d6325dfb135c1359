;; Searches a text that is not UTF-8.
;; Expected: malformed.
;; with patterns

(data (i32.const 1060) "\ff\fe")
(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (call $find (global.get $set) (i32.const 1060) (i32.const 2) (i32.const 2048)))
