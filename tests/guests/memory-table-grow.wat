;; Grows a table until it is refused: memory that a limit on memories does not see.
;; Expected: out-of-memory.

(table $many 0 funcref)
(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (loop $more
    (br_if $more (i32.ne (table.grow $many (ref.null func) (i32.const 1000)) (i32.const -1))))
  unreachable)
