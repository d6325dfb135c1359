;; A replacement is half of a surrogate pair, in UTF-8 as careless encoders write it.
;; Expected: malformed.

(data (i32.const 1024) "\ed\a0\80")
(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (call $edit (local.get $verdict) (i32.const 0) (i32.const 1))
  (i32.store offset=8 (i32.load offset=4 (local.get $verdict)) (i32.const 1024)))
