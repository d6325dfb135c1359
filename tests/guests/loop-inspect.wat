;; An endless loop in `inspect` for a text with a certain word, so that it passes the probe.
;; Expected: out-of-fuel.

(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (loop $forever (br $forever)))
