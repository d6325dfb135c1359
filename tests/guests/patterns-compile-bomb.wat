;; An expression of 15 bytes whose automaton has a million states.
;; Expected: refused.
;; with patterns

(data $expressions (i32.const 1024) "\10\04\00\00" "\0f\00\00\00")
(data (i32.const 1040) "(a{1000}){1000}")
