;; The action of a verdict on an answer does not exist.
;; Expected: malformed.
;; exports: answer-guardrail

(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (i32.store8 offset=0 (local.get $verdict) (i32.const 9)))
