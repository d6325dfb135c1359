;; Searches a text that reaches beyond its memory.
;; Expected: malformed.
;; with patterns

(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (call $find (global.get $set) (i32.const 65530) (i32.const 1000000) (i32.const 2048)))
