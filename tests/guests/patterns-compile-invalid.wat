;; An expression that is none.
;; Expected: refused.
;; with patterns

(data $expressions (i32.const 1024) "\10\04\00\00" "\03\00\00\00")
(data (i32.const 1040) "(a[")
