;; A list of verdicts at an odd address.
;; Expected: malformed.

(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (i32.store offset=4 (local.get $said) (i32.add (i32.load offset=4 (local.get $said)) (i32.const 1))))
