;; A hundred thousand edits of the same empty span: none overlaps another, and the text grows by 300 KB.
;; Expected: malformed.

(func $attack (param $window i32) (param $verdict i32) (param $said i32) (local $more i32)
  (local.set $more (i32.const 100000))
  (loop $next
    (call $edit (local.get $verdict) (i32.const 0) (i32.const 0))
    (local.set $more (i32.sub (local.get $more) (i32.const 1)))
    (br_if $next (local.get $more))))
