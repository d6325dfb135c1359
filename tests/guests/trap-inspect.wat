;; Traps in `inspect`.
;; Expected: trapped.

(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  unreachable)
