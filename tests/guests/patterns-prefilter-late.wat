;; Gives a prefilter outside `configure`, to be called less. It takes an error for an answer and traps; otherwise the
;; exchange would pass.
;; Expected: trapped.
;; with patterns

(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (call $prefilter (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 2048))
  (if (i32.load8_u (i32.const 2048)) (then unreachable)))
