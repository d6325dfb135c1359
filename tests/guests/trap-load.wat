;; Reads beyond its memory.
;; Expected: trapped.

(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (drop (i32.load (i32.const -4))))
