;; Makes an integer of what is no number.
;; Expected: trapped.

(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (drop (i32.trunc_f32_s (f32.const nan))))
