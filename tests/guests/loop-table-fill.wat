;; Fills a table of 10,000 entries again and again: few instructions, which must be priced by their entries.
;; Expected: out-of-fuel.

(table $many 10000 funcref)
(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (loop $again
    (table.fill $many (i32.const 0) (ref.null func) (i32.const 10000))
    (br $again)))
