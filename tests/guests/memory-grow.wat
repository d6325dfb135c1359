;; Takes memory until it is refused, and writes to all of it so that the machine must have it.
;; Expected: out-of-memory.

(func $attack (param $window i32) (param $verdict i32) (param $said i32) (local $at i32)
  (local.set $at (i32.mul (memory.size) (i32.const 65536)))
  (loop $more
    (if (i32.ne (memory.grow (i32.const 1)) (i32.const -1))
      (then
        (loop $touch ;; the machine gives memory out in pieces of 4 KiB
          (i32.store (local.get $at) (i32.const 1))
          (local.set $at (i32.add (local.get $at) (i32.const 4096)))
          (br_if $touch (i32.and (local.get $at) (i32.const 65535))))
        (br $more))))
  (unreachable) ;; as an allocator ends that gets nothing
)
