;; Traps in the `check` of an answer.
;; Expected: trapped.
;; exports: answer-guardrail

(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  unreachable)
