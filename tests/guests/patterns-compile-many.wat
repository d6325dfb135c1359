;; A set of 32,768 expressions.
;; Expected: malformed.
;; with patterns

(func $configure (result i32 i32) (local $list i32) (local $bytes i32)
  (local.set $list (call $alloc (i32.const 262144)))
  (i64.store (local.get $list) (i64.load (i32.const 1024)))
  (local.set $bytes (i32.const 8))
  (loop $double
    (memory.copy (i32.add (local.get $list) (local.get $bytes)) (local.get $list) (local.get $bytes))
    (local.set $bytes (i32.mul (local.get $bytes) (i32.const 2)))
    (br_if $double (i32.lt_u (local.get $bytes) (i32.const 262144))))
  (call $compile (local.get $list) (i32.const 32768) (i32.const 2048))
  (if (result i32 i32) (i32.load8_u (i32.const 2048))
    (then (i32.load (i32.const 2052)) (i32.load (i32.const 2056)))
    (else (i32.const 0) (i32.const 0))))
