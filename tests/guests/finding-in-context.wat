;; Finds something in the whole window, whatever of it was released before: the span is clipped.
;; Expected: said; the exchange goes on.

(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (drop (call $finding (local.get $verdict) (i32.const 0) (call $length (local.get $window)) (f32.const 0.5))))
