;; Traps in the `check` of a request.
;; Expected: trapped.
;; exports: request-guardrail

(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  unreachable)
