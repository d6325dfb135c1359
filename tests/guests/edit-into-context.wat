;; Edits the whole window, whatever of it was released before: the edit is clipped to what was not.
;; Expected: said; the exchange goes on.

(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (call $edit (local.get $verdict) (i32.const 0) (call $length (local.get $window))))
