;; A list of so many verdicts that their bytes do not fit into 32 bits: 97,612,894 times 44 is 40 more than 2^32.
;; Expected: malformed.

(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (i32.store offset=8 (local.get $said) (i32.const 97612894)))
