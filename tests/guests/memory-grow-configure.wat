;; Takes memory while it is configured, so that every instance begins with it.
;; Expected: out-of-memory.

(func $configure (result i32 i32)
  (loop $more
    (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
  unreachable)
