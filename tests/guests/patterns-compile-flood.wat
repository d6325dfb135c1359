;; Compiles sets without end, whatever the host says to it, each of some hundred kilobytes in the host.
;; Expected: out-of-fuel.
;; with patterns

(data $expressions (i32.const 1024) "\10\04\00\00" "\0c\00\00\00")
(data (i32.const 1040) "\\w{10}[^a]\\pL")
(func $configure (result i32 i32)
  (loop $again
    (call $compile (i32.const 1024) (i32.const 1) (i32.const 2048))
    (global.set $free (i32.const 4096))
    (br $again))
  unreachable)
