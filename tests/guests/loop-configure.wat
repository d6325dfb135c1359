;; An endless loop in `configure`.
;; Expected: out-of-fuel.

(func $configure (result i32 i32)
  (loop $forever (br $forever))
  unreachable)
