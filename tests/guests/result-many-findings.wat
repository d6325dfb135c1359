;; Half a million findings, well-formed and within the memory that the plugin may have.
;; Expected: malformed.

(func $attack (param $window i32) (param $verdict i32) (param $said i32) (local $first i32) (local $bytes i32)
  (local.set $first (call $finding (local.get $verdict) (i32.const 0) (i32.const 1) (f32.const 0.5)))
  (drop (call $alloc (i32.const 12582912)))
  (local.set $bytes (i32.const 24))
  (loop $double
    (memory.copy (i32.add (local.get $first) (local.get $bytes)) (local.get $first) (local.get $bytes))
    (local.set $bytes (i32.mul (local.get $bytes) (i32.const 2)))
    (br_if $double (i32.lt_u (local.get $bytes) (i32.const 12582912))))
  (i32.store offset=36 (local.get $verdict) (i32.const 524288)))
