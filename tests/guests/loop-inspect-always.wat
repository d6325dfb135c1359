;; An endless loop in `inspect`, whatever the text: the probe must meet it.
;; Expected: out-of-fuel.

(func $triggered (param i32 i32) (result i32) (i32.const 1))
(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (loop $forever (br $forever)))
