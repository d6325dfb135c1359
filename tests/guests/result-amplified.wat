;; 4096 findings that share one rule of 4 MiB: 4 MB of the plugin's memory would be 16 GB of the host's.
;; Expected: malformed.

(func $attack (param $window i32) (param $verdict i32) (param $said i32) (local $first i32) (local $bytes i32)
  (local.set $first (call $finding (local.get $verdict) (i32.const 0) (i32.const 1) (f32.const 0.5)))
  (drop (call $alloc (i32.const 98304)))
  (i32.store offset=0 (local.get $first) (call $alloc (i32.const 4194304)))
  (i32.store offset=4 (local.get $first) (i32.const 4194304))
  (local.set $bytes (i32.const 24))
  (loop $double
    (memory.copy (i32.add (local.get $first) (local.get $bytes)) (local.get $first) (local.get $bytes))
    (local.set $bytes (i32.mul (local.get $bytes) (i32.const 2)))
    (br_if $double (i32.lt_u (local.get $bytes) (i32.const 98304))))
  (i32.store offset=36 (local.get $verdict) (i32.const 4096)))
