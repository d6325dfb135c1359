;; Gives a prefilter whose tail breaks out of what the host puts around it.
;; Expected: refused.
;; with patterns

(data (i32.const 1041) "a)|(b")
(func $configure (result i32 i32)
  (call $compile (i32.const 1024) (i32.const 1) (i32.const 2048))
  (if (i32.load8_u (i32.const 2048)) (then unreachable))
  (call $prefilter (i32.load (i32.const 2052)) (i32.const 1) (i32.const 1041) (i32.const 5) (i32.const 2048))
  (if (result i32 i32) (i32.load8_u (i32.const 2048))
    (then (i32.load (i32.const 2052)) (i32.load (i32.const 2056)))
    (else (i32.const 0) (i32.const 0))))
