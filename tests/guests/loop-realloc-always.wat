;; An endless loop where the host asks for memory to put the configuration or a text into.
;; Expected: out-of-fuel.

(func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
  (loop $forever (br $forever))
  unreachable)
