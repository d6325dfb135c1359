;; Wants the matches written to beyond its memory.
;; Expected: malformed.
;; with patterns

(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (call $find (global.get $set) (i32.const 16) (i32.const 6) (i32.const -8)))
