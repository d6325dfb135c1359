;; An edit of a segment that the request does not have.
;; Expected: malformed.
;; exports: request-guardrail

(func $attack (param $window i32) (param $verdict i32) (param $said i32) (local $edit i32)
  ;; One edit of a whole request or answer: the id of the segment, then the edit.
  (local.set $edit (call $alloc (i32.const 24)))
  (i32.store offset=0 (local.get $edit) (i32.const 1000000))
  (i32.store offset=4 (local.get $edit) (i32.const 0))
  (i32.store offset=8 (local.get $edit) (i32.const 1))
  (i32.store8 offset=0 (local.get $verdict) (i32.const 1))
  (i32.store offset=4 (local.get $verdict) (local.get $edit))
  (i32.store offset=8 (local.get $verdict) (i32.const 1)))
