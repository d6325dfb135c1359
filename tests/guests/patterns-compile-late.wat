;; Compiles a set outside `configure`. It takes an error for an answer and traps; a number would let the exchange pass.
;; Expected: trapped.
;; with patterns

(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (call $compile (i32.const 1024) (i32.const 1) (i32.const 2048))
  (if (i32.load8_u (i32.const 2048)) (then unreachable)))
