;; An endless loop in the `check` of a request.
;; Expected: out-of-fuel.
;; exports: request-guardrail

(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (loop $forever (br $forever)))
