;; Claims a hundred million verdicts, 4.4 GB, in a memory of one page.
;; Expected: malformed.

(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (i32.store offset=8 (local.get $said) (i32.const 100000000)))
