;; An endless loop in the `check` of an answer.
;; Expected: out-of-fuel.
;; exports: answer-guardrail

(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (loop $forever (br $forever)))
