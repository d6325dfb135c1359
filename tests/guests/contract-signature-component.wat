;; A component whose `describe` gives a number and not a description.
;; Expected: refused.
;; component

(core module $number (func (export "describe") (result i32) (i32.const 42)))
(core instance $number (instantiate $number))
(func $lifted-describe (result u32) (canon lift (core func $number "describe")))
